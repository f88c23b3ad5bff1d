"""A table is checked when a program is made: every missing function, for both dtypes and every use, is an error and not a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nncore.plugin import TABLES

#: Of a layer that depends on the whole batch, in a fit with shards.
SUMS = ("forward_sums", "backward_sums", "join_sums")
#: Of a layer with a table of which a batch touches some rows.
TOUCHED = ("touch", "touched_gradient")
#: The functions of a table that each use of a network calls.
CALLED: dict[str, dict[str, set[str]]] = {
    "activation": {"predict": {"forward"}, "evaluate": {"forward"}, "jacobian": {"forward", "backward"}, "train": {"forward", "backward"}},
    "loss": {"predict": set(), "evaluate": {"real", "labels"}, "jacobian": set(), "train": {"real", "labels"}},  # one of the two
    "metric": {"predict": set(), "evaluate": {"labels"}, "jacobian": set(), "train": {"real"}},
    "optimizer": {"predict": set(), "evaluate": set(), "jacobian": set(), "train": {"step", "perturb", "before_step", "after_step"}},
    "regularizer": {"predict": set(), "evaluate": set(), "jacobian": set(), "train": {"value", "add_gradient"}},
    "constraint": {"predict": set(), "evaluate": set(), "jacobian": set(), "train": {"project"}},
    "layer": {
        "predict": {"forward"},
        "evaluate": {"forward"},
        "jacobian": {"forward", "backward"},
        "train": {"forward", "backward", "gradient", *SUMS, *TOUCHED},
    },
    "transform": {"predict": set(), "evaluate": set(), "jacobian": set(), "train": {"apply"}},
}
#: Functions that are called if they exist.
OPTIONAL = {"activation": {"forward_with_slope"}}


def test_every_kind_of_table_is_looked_at() -> None:
    assert set(CALLED) == set(TABLES)
    for kind, uses in CALLED.items():
        assert {name.rpartition("_")[0] for name in TABLES[kind]} == set().union(*uses.values(), OPTIONAL.get(kind, set()))


@pytest.mark.parametrize("kind", CALLED)
def test_a_function_that_is_called_and_missing_is_named(kind: str) -> None:
    """A missing function that would be called is named in the error; tested in a separate process, since a call of NULL would end it."""
    command = [sys.executable, str(Path(__file__).with_name("table_cases.py")), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"ended with {done.returncode} in {lines[-1:]}: {done.stderr}"
    outcomes = {(hole, dtype, how): message for hole, dtype, how, message in (line for line in lines if len(line) == 4)}
    assert len(outcomes) == 2 * 4 * len(TABLES[kind])
    for (hole, dtype, how), message in outcomes.items():
        stem, _, suffix = hole.rpartition("_")
        is_called = stem in CALLED[kind][how] and suffix == f"f{dtype.removeprefix('float')}"
        whys = {"gradient": "gradient_unit of its plan is 3"}
        whys |= dict.fromkeys(SUMS, "batch_sums of its plan is 2")
        whys |= dict.fromkeys(TOUCHED, "the tensor 'weight_0' of its plan has a sparse_gradient")
        whys |= {around: f"its class overrides {around}" for around in ("perturb", "before_step", "after_step")}
        why = whys.get(stem, f"this network is {dtype}")
        expected = f"{kind} Holed: the kernel has no {hole}; {why}. "
        assert message.startswith(expected) if is_called else message == "", (hole, dtype, how, message)
