"""Steps on the rows that a batch touches have the bits of steps on all rows, or with `lazy` those of rows with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.plugin import Optimizer
from nncore.testing import numpy_twin, team_of
from nncore.testing.expectations import expect_same_bits

RNG = np.random.default_rng(0)
N_SAMPLES, BATCH = 200, 100
#: Codes of a large table, of a table of which a batch touches many rows, and of one too small for steps on touched rows; -1 is unknown.
CODES = np.stack([RNG.integers(-1, n, N_SAMPLES) for n in (40_000, 300, 9)], axis=1)
X = np.concatenate([RNG.normal(size=(N_SAMPLES, 2)), CODES], axis=1)
Y = RNG.normal(size=(N_SAMPLES, 1))
LAZY = {"embedding_1.*": {"lazy": True}}
#: No limit, but gradients are all written before the step.
ALL_WRITTEN = {"clip_norm": 1e30}

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


class SteppingOnAll(nn.SGD):
    """The same steps by a class that does not declare that zero gradients change nothing."""

    kernel = nn.SGD.kernel


class AdaGradOnAll(nn.AdaGrad):
    kernel = nn.AdaGrad.kernel


def fitted(optimizer: Any, n_parts: int = 1, dtype: str = "float32", network: nn.Sequential | None = None, **fit: Any) -> nn.Sequential:
    """A network with three tables after an epoch."""
    if network is None:
        network = nn.Sequential(nn.Embedding([40_000, 300, 9], [8, 7, 3], columns=[2, 3, 4]), nn.Dense(5, activation="tanh"), nn.Dense(1))
    with team_of(n_parts):
        network.fit(X, Y, loss="mse", optimizer=optimizer, batch_size=BATCH, epochs=1, rng=3, dtype=dtype, progress=False, **fit)
    return network


def expect_same_network(one: nn.Sequential, other: nn.Sequential) -> None:
    expect_same_bits(one.parameters, other.parameters, "parameters")
    for name, kept in one.optimizer_state.items():
        expect_same_bits(kept, other.optimizer_state[name], name)


@every_dtype
@pytest.mark.parametrize(
    ("optimizer", "on_all"), [(nn.SGD(0.1), SteppingOnAll(0.1)), (nn.AdaGrad(0.1), AdaGradOnAll(0.1))], ids=["sgd", "adagrad"]
)
def test_rows_without_gradients_are_left_out_where_that_gives_the_same_bits(optimizer: Optimizer, on_all: Optimizer, dtype: str) -> None:
    whole = fitted(on_all, dtype=dtype)
    for n_parts in (1, 3):
        expect_same_network(fitted(optimizer, n_parts, dtype), whole)
    expect_same_network(fitted(optimizer, dtype=dtype, **ALL_WRITTEN), whole)


def test_more_touched_rows_than_fit_a_tile() -> None:
    rng = np.random.default_rng(1)
    codes, y = rng.integers(0, 4000, (450, 1)).astype(float), rng.normal(size=(450, 1))
    ends = []
    for optimizer, groups in [(nn.SGD(0.1), {}), (SteppingOnAll(0.1), {}), (nn.SGD(0.1), LAZY)]:
        network = nn.Sequential(nn.Embedding(4000, 1000), nn.Dense(1))
        network.fit(
            codes, y, loss="mse", optimizer=optimizer, groups=groups, batch_size=450, epochs=1, rng=3, dtype="float32", progress=False
        )
        ends.append(network.parameters)
    expect_same_bits(ends[0], ends[1], "parameters")
    expect_same_bits(ends[2], ends[1], "parameters, as a gradient of zero changes nothing")


@every_dtype
def test_lazy_steps_are_the_same_however_gradients_are_made(dtype: str) -> None:
    """Lazy steps are the same for gradients of touched rows, of tiles and of all rows, on several threads and in Python."""
    lazy = fitted("adam", dtype=dtype, groups=LAZY)
    expect_same_network(fitted("adam", 3, dtype, groups=LAZY), lazy)
    expect_same_network(fitted("adam", 2, dtype, groups=LAZY, **ALL_WRITTEN), lazy)
    expect_same_network(fitted("adam", 2, dtype, groups=LAZY, accumulate=1), lazy)
    in_python = fitted(numpy_twin(nn.Adam()), dtype=dtype, groups=LAZY)
    np.testing.assert_allclose(in_python.parameters, lazy.parameters, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


def test_lazy_steps_of_an_average_are_the_same() -> None:
    """With an average of parameters, lazy steps are the same, although the average needs a step over all rows."""
    lazy, averaged = fitted("adam", groups=LAZY), fitted("adam", groups=LAZY, callbacks=[nn.EMA()])
    expect_same_bits(averaged.trajectory, lazy.parameters, "parameters that are trained")


def test_a_lazy_step_leaves_rows_without_gradients_as_they_are() -> None:
    network = fitted("adam", groups=LAZY)
    kept = {name: array.copy() for name, array in (network.named_parameters() | network.optimizer_state).items()}
    network.train_on_batch(X[:9], Y[:9])
    now = network.named_parameters() | network.optimizer_state
    for name, before in kept.items():
        if name.startswith("embedding_1."):
            touched = np.zeros(len(before), bool)
            touched[CODES[:9, int(name.partition("weight_")[2][0]) - 2]] = True  # -1 is the last row
            assert ((now[name] != before).any(axis=1) == touched).all(), name


def test_samples_without_weight_touch_nothing() -> None:
    weights = np.repeat([1.0, 0.0], 100)
    network = fitted("adam", groups=LAZY, sample_weight=weights, shuffle=False)
    untouched = np.setdiff1d(CODES[100:, 0], CODES[:100, 0])
    assert (network.optimizer_state["embedding_1.weight_2/slot_1"][untouched] == 0).all()


def test_lazy_steps_go_on_from_a_file(tmp_path: Any) -> None:
    whole = fitted("adam", network=fitted("adam", groups=LAZY), groups=None)
    fitted("adam", groups=LAZY).save(tmp_path / "half.nncore")
    expect_same_network(fitted(None, network=nn.load(tmp_path / "half.nncore")), whole)
