"""`fit(shards=S)` sums over a batch along a fixed tree of its parts, so that results do not depend on the number of threads."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from losses.cox import Cox
from network.test_two_passes import Sharp

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError
from nncore.plugin import Layer
from nncore.testing import numpy_twin, team_of
from nncore.testing.expectations import expect_same_bits

RNG = np.random.default_rng(0)
N, BATCH = 150, 40  # the last batch has 30 rows
X = RNG.normal(size=(N, 6))
CLASSES = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)
WEIGHT = RNG.uniform(0.1, 3, N)


def hidden(*more: Layer) -> list[Layer]:
    return [nn.Dense(37, activation="relu"), *more, nn.Dense(3)]


def members() -> list[Layer]:
    inner = nn.MembersDense(20, activation="relu"), nn.MemberHeads(3), nn.MeanMembers("softmax")
    return [nn.RepeatMembers(4), *inner]


#: Layers, and arguments of `fit`.
CASES: dict[str, tuple[list[Layer], dict[str, Any]]] = {
    "dense": (hidden(), {}),
    "batch_norm": (hidden(nn.BatchNorm(), nn.Dense(20, activation="tanh")), {"optimizer": "momentum"}),
    "cumulative_batch_norm": (hidden(nn.BatchNorm(mode="cumulative")), {"sample_weight": WEIGHT}),
    "dropout_and_clipping": (hidden(nn.Dropout(0.3)), {"clip_norm": 0.1, "clip_value": 0.05}),
    "accumulation": (hidden(nn.LayerNorm()), {"accumulate": 2, "sample_weight": WEIGHT}),
    "regularizers": ([nn.Dense(37, weight_regularizer="l1"), nn.Dense(3)], {"weight_decay": 0.01}),
    "averaging": (hidden(), {"callbacks": [nn.EMA(decay=0.9)]}),
    "ties": ([nn.Dense(8, name="one"), nn.Dense(6, tied_to="one.weight", transposed=True), nn.Dense(3)], {}),
    "members": (members(), {}),
    "two_passes": (hidden(nn.BatchNorm()), {"optimizer": Sharp()}),
    "tensors": (hidden(), {"optimizer": "adafactor"}),
    "transforms": (hidden(), {"transforms": ["mixup"]}),
    "python_layer": (hidden(numpy_twin(nn.BatchNorm())), {"optimizer": "momentum"}),
    "python_loss": (hidden(), {"loss": numpy_twin(registry.get("losses", "softmax_cross_entropy")())}),
    "two_branches": (hidden(nn.Residual([nn.Dense(37, activation="tanh")])), {}),
}


def fitted(case: str, dtype: str = "float32", **fit: Any) -> dict[str, np.ndarray]:
    """Everything that a fit changes or returns."""
    layers, options = CASES[case]
    network = nn.Sequential(*layers)
    settings = {"loss": "softmax_cross_entropy", "epochs": 2, "batch_size": BATCH, "rng": 0, "progress": False, "dtype": dtype}
    history = network.fit(X, CLASSES, **settings | copy.deepcopy(options) | fit)
    kept = {**network.named_buffers(), **network.optimizer_state}
    return {"loss": np.array(history["loss"]), "parameters": network.parameters, **kept}


# ---- the same bits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_bits_depend_on_shards_and_not_on_threads(case: str) -> None:
    for shards, dtype, teams in ((5, "float64", (3,)), (8, "float32", (2, 3, 4))):
        with team_of(1):
            alone = fitted(case, dtype, shards=shards)
        for n_parts in teams:
            with team_of(n_parts):
                for name, value in fitted(case, dtype, shards=shards).items():
                    expect_same_bits(value, alone[name], f"{case}, {shards} shards, {n_parts} threads: {name}")


@pytest.mark.parametrize("case", CASES)
def test_sums_differ_from_those_of_the_whole_batch_by_rounding(case: str) -> None:
    whole = fitted(case, "float64")
    for name, value in fitted(case, "float64", shards=1).items():
        expect_same_bits(value, whole[name], name)
    for name, value in fitted(case, "float64", shards=7).items():
        np.testing.assert_allclose(value, whole[name], rtol=1e-9, atol=1e-10, err_msg=name)


def test_a_large_network_that_uses_up_its_gradients_has_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 600)), rng.integers(0, 3, 64)
    ends = []
    for n_parts in (1, 3):
        network = nn.Sequential(nn.Dense(500, activation="relu"), nn.Dense(3))
        with team_of(n_parts):
            network.fit(x, y, loss="softmax_cross_entropy", epochs=2, batch_size=16, shards=4, rng=0, progress=False)
        assert network._programs.training is not None
        assert network._programs.training.spec.uses_up_gradients
        ends.append(network.parameters)
    expect_same_bits(ends[1], ends[0], "parameters")


def test_many_networks_have_the_bits_of_their_own_fits() -> None:
    def built() -> nn.Sequential:
        return nn.Sequential(*hidden(nn.BatchNorm())).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)

    alone, together = [built(), built()], [built(), built()]
    for network, shards in zip(alone, (2, 8), strict=True):
        network.fit(X, CLASSES, epochs=2, batch_size=BATCH, shards=shards, progress=False)
    nn.fit_many(together, X, CLASSES, epochs=2, batch_size=BATCH, shards=[2, 8], progress=False)
    for one, other in zip(alone, together, strict=True):
        expect_same_bits(other.parameters, one.parameters, "parameters")


# ---- the tree -----------------------------------------------------------------------------------------------------------------


def tree(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Combine the parts of a batch in pairs: the left half is the largest power of two of parts. None has no rows."""
    if len(parts) == 1:
        return parts[0]
    half = 1 << (len(parts) - 1).bit_length() - 1
    left, right = tree(parts[:half]), tree(parts[half:])
    if left is None or right is None:
        return right if left is None else left
    return left + right


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n", "shards"), [(40, 1), (40, 2), (40, 3), (41, 8), (40, 40), (7, 23), (5, 8)])
def test_a_gradient_is_the_sum_of_its_parts_along_a_tree(n: int, shards: int, dtype: str) -> None:
    """A gradient is the sum of its parts along a tree: NumPy adds the gradients of the parts as an oracle."""
    number = np.dtype(dtype).type
    layers = nn.Dense(9, activation="tanh"), nn.LayerNorm(), nn.Dense(2)
    network = nn.Sequential(*layers).build(6, loss="half_mse", optimizer=nn.SGD(lr=1.0), rng=0, dtype=dtype)
    x, y = X[:n].astype(dtype), X[-n:, :2].astype(dtype)
    network.forward(x, training=True)
    network.backward(y)
    assert network._programs.training is not None
    d_output = network._programs.training.spec.d_output[:n].copy()
    losses = ((network.predict(x) - y) ** 2 / number(2)).sum(axis=1, dtype=np.float64)
    parts: list[np.ndarray | None] = []
    values: list[np.ndarray | None] = []
    for part in range(shards):
        rows = slice(n * part // shards, n * (part + 1) // shards)
        if rows.start == rows.stop:
            parts.append(None)
            values.append(None)
            continue
        network.forward(x[rows], training=True)
        network.backward(d_output=d_output[rows])
        parts.append(network.gradients.copy())
        values.append(np.array(float(number(1 / n)) * losses[rows].sum()))
    before = network.parameters.copy()
    size = max(n, shards)  # in batches, of which the last may have fewer rows than shards
    program = network.program_for_training(size, shards=shards)
    progress: list[Any] = [0, 0.0, 0.0]
    program.train(x, y, None, None, None, [], size, 1, False, np.inf, progress, 1)
    expect_same_bits(network.parameters, before - tree(parts), "parameters")
    np.testing.assert_allclose(progress[1] / n, tree(values), rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("shards", [2, 3, 8, 64])
def test_statistics_of_a_batch_keep_their_digits_far_from_zero(shards: int) -> None:
    """Batch statistics keep their digits far from zero, although they join statistics of distant parts in float32."""
    rng = np.random.default_rng(shards)
    x = (1000 + rng.normal(size=(64, 3)) + np.linspace(0, 5, 64)[:, None]).astype(np.float32)
    network = nn.Sequential(nn.BatchNorm(momentum=1.0), nn.Dense(1))
    network.fit(x, np.zeros(64), loss="half_mse", optimizer="sgd", epochs=1, batch_size=64, shards=shards, rng=0, progress=False)
    buffers = network.named_buffers()
    np.testing.assert_allclose(buffers["batch_norm_1.mean"], x.mean(0, dtype=np.float64), rtol=1e-7)
    np.testing.assert_allclose(buffers["batch_norm_1.variance"], x.var(0, ddof=1, dtype=np.float64), rtol=1e-5)


def test_gradients_are_those_of_the_loss() -> None:
    """Gradients equal central differences of a step's loss, through batch normalisation."""
    layers = nn.Dense(2, activation="tanh"), nn.BatchNorm(), nn.Dense(3)
    start = nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=1.0), rng=0, dtype="float64")

    def stepped(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        network = copy.deepcopy(start)
        network.parameters[...] = parameters
        history = network.fit(X[:30], CLASSES[:30], epochs=1, batch_size=30, weight_decay=0.1, shards=3, progress=False)
        return history["loss"][0], parameters - network.parameters

    at = start.parameters.copy()
    gradient = stepped(at)[1]
    for i in range(len(at)):
        nudge = np.zeros_like(at)
        nudge[i] = 1e-5
        difference = (stepped(at + nudge)[0] - stepped(at - nudge)[0]) / 2e-5
        assert abs(difference - gradient[i]) < 1e-8


def test_a_loss_that_needs_the_whole_batch_is_given_it() -> None:
    rng = np.random.default_rng(0)
    time = np.column_stack([np.ceil(rng.exponential(size=N) * 4), rng.random(N) < 0.7]).astype(float)
    ends = {}
    for shards in (1, 5):
        for n_parts in (1, 3):
            network = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(1))
            with team_of(n_parts):
                settings = {"optimizer": "sgd", "epochs": 2, "batch_size": 50, "rng": 0, "dtype": "float64", "progress": False}
                network.fit(X, time, loss=Cox(), shards=shards, **settings)
            ends[shards, n_parts] = network.parameters
    expect_same_bits(ends[5, 3], ends[5, 1], "parameters")
    np.testing.assert_allclose(ends[5, 1], ends[1, 1], rtol=1e-10, atol=1e-12)


# ---- invalid arguments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        (0, "shards must be a whole number of at least 1, got 0"),
        (2.5, "shards must be a whole number"),
        (True, "shards must be a whole number"),
        (11, "shards=11 is more than the 10 samples of a batch: use fewer shards"),
        (2**17, "shards must be a whole number of at most 65536"),
    ],
)
def test_what_cannot_be_is_refused(shards: Any, message: str) -> None:
    network = nn.Sequential(nn.Dense(3))
    with pytest.raises(ParameterError, match=message):
        network.fit(X, CLASSES, loss="softmax_cross_entropy", batch_size=10, shards=shards, progress=False)
    assert not network.is_built


def test_a_fit_that_was_cut_short_tells_its_shards(tmp_path: Path) -> None:
    network = nn.Sequential(*hidden())
    settings = {"loss": "softmax_cross_entropy", "batch_size": BATCH, "rng": 0, "progress": False, "shards": 8}
    network.fit(X, CLASSES, epochs=1, callbacks=[nn.Checkpoint(tmp_path / "net.nncore", every_steps=2)], **settings)
    assert nn.load(tmp_path / "net.nncore").place["shards"] == 8
