"""The largest possible sizes give the result of any large enough size, or an error of nncore, never another result or a crash."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import nncore as nn
from nncore import registry
from nncore.contract import is_inside
from nncore.testing.conformance import required_arguments

LARGE = [2**31 - 1, 2**31, 2**57, sys.maxsize, 2**63, 10**30]
#: Larger than everything in the small fits below, which take five steps at most.
ENOUGH = 10**6
KINDS = {"optimizers": "optimizer", "schedules": "schedule", "samplers": "sampler", "callbacks": "callbacks"}


def takes_whole(parameter: inspect.Parameter) -> bool:
    return "int" in str(parameter.annotation).replace("int |", "int").split() or parameter.annotation in (int, "int", "int | None")


#: Arguments for integers, read from the signatures: (what, name of the argument). Shards are limited by the samples of a batch.
CASES = [
    ("fit", name)
    for name, parameter in inspect.signature(nn.Sequential.fit).parameters.items()
    if takes_whole(parameter) and name != "shards"
]
for kind in KINDS:
    for component in registry.names(kind):
        cls = registry.get(kind, component)
        if required_arguments(cls):
            continue
        CASES += [(f"{kind}/{component}", name) for name in cls.whole if is_inside(ENOUGH, cls.ranges.get(name, "[0, inf)"))]

PROGRAM = """
import json, sys
import numpy as np, nncore as nn
from nncore import registry
from nncore.errors import NNCoreError
from nncore.plugin import Callback

class Stop(Callback):
    def on_progress(self, training):
        if training.n_steps >= 5:
            training.stop("enough")

KINDS = json.loads(sys.argv[1])
X = np.random.default_rng(0).normal(size=(40, 3))

def fit(what, name, value):
    # steps of one batch at a time are looked at, so that Stop comes in time
    import nncore.network.training as training
    training.SLICE_SECONDS = 0.0
    arguments = {"epochs": 2, "batch_size": 16, "schedule": "cosine", "callbacks": [Stop()], "rng": 0}
    if what == "fit":
        arguments[name] = value
    else:
        kind, component = what.split("/")
        try:
            made = registry.get(kind, component)(**{name: value})
        except NNCoreError as error:
            return f"error: {error}"
        arguments[KINDS[kind]] = [made, Stop()] if kind == "callbacks" else made
    net = nn.Sequential(nn.Dense(3), nn.Dropout(0.3), nn.Dense(1))
    try:
        net.fit(X, X[:, 0], loss="mse", validation=(X, X[:, 0]), progress=False, **arguments)
    except NNCoreError as error:
        return f"error: {error}"
    return [net.n_steps, net.parameters.tolist()]

for what, name, value in json.loads(sys.stdin.read()):
    print(json.dumps(fit(what, name, value)), flush=True)
"""


def test_large_sizes(tmp_path: Path) -> None:
    assert {"epochs", "batch_size", "accumulate", "n_threads", "rng"} <= {name for what, name in CASES if what == "fit"}
    tried = [(what, name, value) for what, name in CASES for value in (ENOUGH, *LARGE)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore::UserWarning", "-c", PROGRAM, json.dumps(KINDS)],
        input=json.dumps(tried),
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,  # callbacks write files there
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (tried[len(results)], done.stderr[-2000:])
    enough: object = None
    for (what, name, value), result in zip(tried, results, strict=True):
        if value == ENOUGH:
            enough = result
            assert not isinstance(result, str), (what, name, result)
        elif isinstance(result, str):
            assert name in result, (what, name, value, result)
        elif name != "rng":
            assert result[0] == enough[0], (what, name, value)
            assert result[1] == pytest.approx(enough[1], rel=1e-4), (what, name, value)
