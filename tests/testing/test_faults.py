"""The kit finds plugins that break the contract: each fixture breaks it in one way, and is correct otherwise."""

from __future__ import annotations

import copy
import ctypes
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from testing.fixtures.site import installed

import nncore as nn
from nncore.errors import PluginError
from nncore.plugin import Kernel, function_table
from nncore.testing import tables
from nncore.testing.layer_calls import Call
from nncore.testing.report import Outcome, conformance_class, outcome, verify
from nncore.testing.subnormals import subnormals_alive

#: Kind and name of a component, the check that must fail, and its message.
FAULTS = [
    ("optimizers", "overrun", "step", "written behind w"),
    ("optimizers", "overrun", "kernel agrees with numpy", "written behind w"),
    ("optimizers", "short", "kernel agrees with numpy", r"n = 1, float32: the kernel's w: .* at \[0\]"),
    ("optimizers", "swapped", "kernel agrees with numpy", "the kernel's w: .* expected"),
    ("optimizers", "wrong_major", "kernel loads", "built for version 2 of nncore/plugin.h, this nncore speaks version 1"),
    ("optimizers", "failing", "step", "step_f32 returned 3, 0 is success"),
    ("optimizers", "raising", "step", "ArithmeticError: third step"),
    ("optimizers", "restless", "same bits every time", "w of a second run: .* differ"),
    ("optimizers", "forgetful", "all state is in the state", r"w after resuming .* \(is something kept outside `state`\?\)"),
    ("optimizers", "uphill", "bowl", "600 steps on a quadratic bowl reach 41.75 from 41.75"),
    ("optimizers", "uphill", "rosenbrock", "5000 steps on Rosenbrock's function reach 24.2 from 24.2"),
    ("optimizers", "uphill", "trains a network", "30 epochs of training take the loss from"),
    ("optimizers", "unchecked", "ranges", "lr=nan is not refused; declare its interval in `ranges`"),
    ("optimizers", "secretive", "arguments are attributes", r"keep the argument 'decay' in self\.decay"),
    ("optimizers", "greedy", "step", "g after step 1, which must not write it"),
    ("optimizers", "claiming", "skips zero", "w after a step with gradients of zero, which skips_zero says changes nothing"),
    ("optimizers", "unstrided", "parts give the bits of the whole", "w after steps on some parameters at a time"),
    ("optimizers", "biased", "evaluation", "evaluation of a state of zeros, which is to be w"),
    ("optimizers", "dragging", "evaluation", "w after evaluation, which must not write it"),
    ("optimizers", "edgy", "perturb", "perturb by gradients of norm 0 gives numbers that are not finite"),
    ("optimizers", "tipping", "perturb", "g after perturb, which must not write it"),
    ("activations", "wrong_gradient", "gradient", "NumPy: d_z against central differences"),
    ("activations", "neighbourly", "rows are independent", "a of blocks of rows"),
    ("activations", "steep", "forward and backward", "d_a times the slope"),
    ("losses", "unweighted", "value and gradient", "the kernel, float32, .* gradient times weight"),
    ("losses", "unweighted", "kernel agrees with numpy", "the kernel, float32, .* d_output"),
    ("losses", "averaging", "rows are independent", "value of blocks of rows"),
    ("losses", "together", "rows are independent", "value of blocks of rows .*says needs_batch = True"),
    ("losses", "haunted", "rows are independent", "value beside rows of weight 0"),
    ("losses", "vague", "declarations", "output_domain is 'likelihoods'; it must be one of 'real', 'logits'"),
    ("activations", "boastful", "output domain", r"output_domain is '\(0, 1\)', but it gives numbers from .* to 2"),
    ("layers", "overconfident", "output domain", "output_domain is 'input', but it changes its input"),
    ("layers", "adding", "gradient", "d_scale against central differences"),
    ("layers", "striped", "parts give the bits of the whole", "7 rows, .* y by some rows at a time"),
    ("layers", "wide", "parts give the bits of the whole", "y outside of columns 1 to 3, which forward was asked for"),
    ("layers", "misplacing", "parts give the bits of the whole", "d_parameters by some parameters at a time"),
    ("layers", "eager", "forward and backward", "backward writes d_parameters, which are for gradient to write"),
    ("layers", "hoarding", "rows are independent at prediction", "y at prediction with a cache, which must be that without"),
    ("layers", "smearing", "forward and backward", "the cache after backward, which may write it only if the plan says"),
    ("layers", "scribbling", "forward and backward", "written behind work in gradient"),
    ("layers", "peeking", "forward and backward", "NaN in parameters, y and d_x, which gradient must not read; a plan can ask"),
    ("layers", "boundless", "parts give the bits of the whole", "say more in the plan's gradient_bound"),
    ("layers", "whole_cache", "plan", "cache of the plan is 1; it must be 0 with split_rows: ask for cache_per_row"),
    ("layers", "row_room", "plan", "work_per_row of the plan is 1; it must be 0 with split_columns"),
    ("layers", "unitless", "plan", "gradient_unit is 0, and the kernel has a gradient_f32"),
    ("layers", "slicing", "plan", "need gradient functions and a gradient_unit"),
    ("layers", "odd_unit", "plan", "gradient_unit of the plan is 3; it must be 0 or a divisor of the 4 parameters"),
    ("initializers", "own_dice", "sample", "from an equal generator: .* differ"),
    ("initializers", "dicing", "network starts with the same bits", "parameters of an equal network: .* differ"),
    ("schedules", "plunging", "factor", r"factor\(arange\(2\), 1\) is negative somewhere"),
    ("schedules", "short_sighted", "factor", r"factor\(arange\(2\), 1\) is not finite everywhere"),
    ("schedules", "scalar", "factor", r"has shape \(\)"),
    ("schedules", "counting", "factor", "a second time: .* differ"),
    ("schedules", "absent_minded", "state", r"after 2 epochs and restore\(state\(\)\) the next factors: .* differ"),
    ("schedules", "absent_minded", "network goes on from a file", "parameters after two interruptions: .* differ"),
    ("schedules", "rambling", "state", r"state\(\) has 'last': inf, finite numbers by name are expected"),
    ("schedules", "gullible", "state", r"restore\({'no such thing': 1.0}\) must raise ParameterError"),
    ("schedules", "stubborn", "state", r"factors after restore\({}\)"),
]


@pytest.fixture(scope="module", autouse=True)
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(tmp_path_factory.mktemp("site"), "nncore-faulty"):
        yield


def outcomes(kind: str, name: str) -> dict[str, Outcome]:
    return {result.check: result for result in verify(kind, f"nncore-faulty/{name}")}


def single(kind: str, name: str, check: str) -> Outcome:
    """Result of a single check."""
    return outcome(conformance_class(kind, name)(), "test_" + check.replace(" ", "_"))


@pytest.mark.parametrize(("kind", "name"), [("optimizers", "sound"), ("layers", "scaling"), ("schedules", "obliging")])
def test_a_sound_component_passes_everything(kind: str, name: str) -> None:
    assert {result.status for result in outcomes(kind, name).values()} == {"ok"}


@pytest.mark.parametrize(("kind", "name", "check", "message"), FAULTS, ids=lambda value: str(value)[:24])
def test_fault_is_caught(kind: str, name: str, check: str, message: str) -> None:
    found = single(kind, f"nncore-faulty/{name}", check)
    assert found.status == "failed"
    assert re.search(message, found.message, re.DOTALL), found.message


def test_a_layer_that_overlooks_touched_rows_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(lambda call: 0)
    there = vars(tables.layer(nn.Embedding.kernel.load()))
    addresses = {name: function.pointer for name, function in there.items() if function is not None}
    addresses["touch_f64"] = ctypes.cast(nothing, ctypes.c_void_p).value
    module = ModuleType("overlooking")
    module.table = function_table("layer", **addresses)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    layer = type("Overlooking", (nn.Embedding,), {"kernel": Kernel("overlooking:table")})(300, 1)
    call = Call(layer, np.array([[3.0], [7.0]]), np.zeros(301), np.zeros(0))
    call.forward()
    with pytest.raises(AssertionError, match="a row that touch leaves out has a gradient other than zero"):
        call.backward(np.ones((2, 1)))


@pytest.mark.parametrize("name", ["overrun", "short", "swapped", "restless", "forgetful"])
@pytest.mark.parametrize("check", ["manifest is light", "kernel loads", "ranges", "description"])
def test_what_is_not_broken_passes(name: str, check: str) -> None:
    assert single("optimizers", f"nncore-faulty/{name}", check).status == "ok"


@pytest.mark.parametrize("name", ["striped", "misplacing"])
@pytest.mark.parametrize("check", ["plan", "forward and backward", "kernel agrees with numpy", "rows are independent at prediction"])
def test_what_is_right_in_one_piece_passes(name: str, check: str) -> None:
    assert single("layers", f"nncore-faulty/{name}", check).status == "ok"


@pytest.mark.parametrize("check", ["trains a network", "network ends with the same bits", "network goes on from a file"])
def test_a_network_s_memory_is_kept_from_a_kernel_that_writes_beside_it(check: str) -> None:
    found = single("optimizers", "nncore-faulty/overrun", check)
    assert found.status == "skipped"
    assert "written behind w" in found.message


X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def fit(optimizer: str) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer=optimizer, rng=0)
    net.fit(X, Y, epochs=3, batch_size=20, progress=False)
    return net


def test_wrong_major_is_refused_by_the_host() -> None:
    with pytest.raises(PluginError, match=r"built for version 2 of nncore/plugin\.h, this nncore speaks version 1: install a matching"):
        fit("nncore-faulty/wrong_major")


def test_exception_in_a_step_keeps_its_traceback_and_undoes_the_step() -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer="nncore-faulty/raising", rng=0)
    net.train_on_batch(X, Y)
    net.train_on_batch(X, Y)
    net.parameters[:2] = 5  # the third step overwrites these before it raises
    before = net.parameters.copy(), copy.deepcopy(net.optimizer_state)
    with pytest.raises(ArithmeticError, match="third step") as caught:
        net.train_on_batch(X, Y)
    assert caught.traceback[-1].name == "step"
    assert caught.traceback[-1].path.name == "components.py"
    assert net.n_steps == 2
    np.testing.assert_array_equal(net.parameters, before[0])
    np.testing.assert_equal(net.optimizer_state, before[1])


def test_failing_kernel_is_reported_by_the_host() -> None:
    with pytest.raises(PluginError, match="Failing"):
        fit("nncore-faulty/failing")


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the fixture sets a register of x86-64")
def test_flush_to_zero_at_import_is_caught_where_it_happens(tmp_path: Path) -> None:
    with installed(tmp_path, "nncore-flushing"):
        check = "import leaves the processor alone"  # other checks would load the library into this process
        found = {name: single("optimizers", f"nncore-flushing/{name}", check) for name in ("innocent", "flushing", "late")}
    assert {name: result.status for name, result in found.items()} == {"innocent": "ok", "flushing": "failed", "late": "ok"}
    assert "importing nncore_flushing_optimizer:Flushing flushes subnormal numbers to zero" in found["flushing"].message
    assert subnormals_alive(), "the check must not load the library here"


def test_heavy_manifest_is_caught(tmp_path: Path) -> None:
    with installed(tmp_path, "nncore-heavy"):
        found = single("optimizers", "nncore-heavy/light", "manifest is light")
    assert found.status == "failed"
    assert "the manifest nncore_heavy imports something_large" in found.message


def test_component_that_needs_arguments_is_not_tried_without() -> None:
    found = outcomes("layers", "needy")
    assert {result.status for result in found.values()} == {"ok", "untried"}
    assert "Needy cannot be made without factor: set `arguments`" in found["plan"].message
    assert found["manifest is light"].status == "ok"


def test_examples_of_the_class_are_tried() -> None:
    found = outcomes("layers", "exemplary")
    assert {check: result.status for check, result in found.items() if result.status != "ok"} == {"formula": "skipped"}
    assert found["formula"].message == "it has no formula, so that networks with it cannot be exported"
