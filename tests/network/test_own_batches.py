"""Ensembles whose members do not share batches: each visits the samples in an order of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from each import each
from network.streams import Loader

import nncore as nn
from nncore.contract import Layer, permutation
from nncore.data.visits import NEXT_SEED
from nncore.errors import ParameterError
from nncore.plugin import Callback, Loss
from nncore.testing import numpy_twin, on_ranks, team_of
from nncore.training import Training

K, N, D = 3, 41, 4

#: Layers before the members, which compute a sample for each of them.
FRONTS: dict[str, Callable[[], list[Layer]]] = {
    "none": list,
    "missing numbers": lambda: [nn.FillMissing([0, 2])],
    "levels": lambda: [nn.Embedding([5], 3, columns=[1])],
    "bins": lambda: [nn.PiecewiseLinearEmbedding([[-1.0, 0.0, 1.5]] * 2, 2, columns=[0, 3])],
    "dense": lambda: [nn.Dense(6, "relu"), nn.Dropout(0.2)],
    "sums over the batch": lambda: [nn.BatchNorm()],
}


def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D))
    X[:, 1] = rng.integers(5, size=N)
    return X, rng.normal(size=(N, 1))


def ensemble(front: str = "none", *, shares: bool = False, dtype: str = "float64", in_numpy: bool = False) -> nn.Sequential:
    layers = [nn.RepeatMembers(K, share_training_batches=shares), nn.MembersDense(5, "tanh"), nn.Dropout(0.1), nn.MemberHeads(1)]
    chosen = [*FRONTS[front](), *layers]
    net = nn.Sequential(*(map(numpy_twin, chosen) if in_numpy else chosen), nn.MeanMembers())
    return net.build(D, loss="mse", optimizer=nn.Adam(0.01), rng=3, dtype=dtype)


def fitted(net: nn.Sequential, **settings: Any) -> nn.Sequential:
    net.fit(*samples(), **{"epochs": 2, "batch_size": 8, "progress": False, **settings})
    return net


def same(a: nn.Sequential, b: nn.Sequential) -> bool:
    return a.parameters.tobytes() == b.parameters.tobytes()


def order_of(net: nn.Sequential, epoch: int) -> np.ndarray:
    """The sample of each member at each place of an epoch, (N, K)."""
    return np.stack([permutation(N, (net.seed + j * NEXT_SEED) % 2**64, epoch) for j in range(K)], axis=1)


@each("weighted", [False, True])
def test_a_batch_has_other_samples_for_each_member(weighted: bool) -> None:
    X, y = samples()
    weights = np.random.default_rng(1).uniform(0.1, 2, N) if weighted else np.ones(N)
    net = nn.Sequential(nn.RepeatMembers(K, share_training_batches=False), nn.MembersDense(5, "tanh"), nn.MemberHeads(1), nn.MeanMembers())
    together = nn.Sequential(nn.MembersDense(5, "tanh"), nn.MemberHeads(1), nn.Flatten()).build((K, D), rng=0, dtype="float64")
    net.build(D, loss="mse", optimizer=nn.SGD(0.1), rng=3, dtype="float64")
    together.optimizer = nn.SGD(0.1)
    together.parameters[:] = net.parameters
    history, losses = net.fit(X, y, sample_weight=weights, epochs=2, batch_size=8, progress=False), []
    for epoch in range(2):
        order, total = order_of(net, epoch), 0.0
        for rows in np.split(order, range(8, N, 8)):
            error, share = together.forward(X[rows], training=True) - y[rows, 0], weights[rows]
            together.backward(d_output=2 * error * share / share.sum())
            together.step()
            total += (share * error**2).sum()
        losses.append(total / weights[order].sum())
    np.testing.assert_allclose(net.parameters, together.parameters, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


def test_labels_and_their_losses() -> None:
    X, _ = samples()
    labels = (X[:, 0] > 0).astype(np.int64)
    layers = nn.MemberHeads(2), nn.MeanMembers("softmax")
    net = nn.Sequential(nn.RepeatMembers(K, share_training_batches=False), *layers).build(D, loss="softmax_cross_entropy", rng=0)
    history = net.fit(X, labels, optimizer=nn.SGD(0.5), epochs=60, batch_size=8, progress=False)
    assert history["loss"][-1] < 0.3 < history["loss"][0]
    assert net.evaluate(X, labels, metrics=["accuracy"])["accuracy"] > 0.9


@each("front", FRONTS)
def test_the_layers_before_the_members_in_c_and_numpy(front: str) -> None:
    net, twin = fitted(ensemble(front)), fitted(ensemble(front, in_numpy=True))
    np.testing.assert_allclose(net.parameters, twin.parameters, rtol=1e-9, atol=1e-12)
    assert not same(net, fitted(ensemble(front, shares=True)))


@each("front", FRONTS)
@each("dtype", ["float32", "float64"])
@each("settings", [{}, {"shards": 4}, {"accumulate": 2}, {"batch_size": 40, "drop_last": True}, {"clip_norm": 0.1, "weight_decay": 0.01}])
def test_any_number_of_threads_gives_the_same_bits(front: str, dtype: str, settings: dict[str, Any]) -> None:
    found = []
    for n_threads in (1, 2, 3, 5):
        with team_of(n_threads):
            found.append(fitted(ensemble(front, dtype=dtype), **settings))
    assert all(same(found[0], other) for other in found[1:])


@each("front", FRONTS)
@each("shards", [1, 4])
def test_any_number_of_processes_gives_the_same_bits(front: str, shards: int) -> None:
    alone = fitted(ensemble(front), shards=shards)
    for size in (2, 3):
        for values in on_ranks(size, lambda collective: fitted(ensemble(front), shards=shards, collective=collective).parameters):
            assert isinstance(values, np.ndarray), values
            assert values.tobytes() == alone.parameters.tobytes()


def test_a_first_sample_of_each_member_in_a_slice_of_a_wide_network() -> None:
    def wide() -> nn.Sequential:
        layers = nn.MembersDense(700, "relu"), nn.MemberHeads(1), nn.MeanMembers()
        return nn.Sequential(nn.RepeatMembers(K, share_training_batches=False), *layers).build(D, loss="mse", optimizer="adam", rng=0)

    whole = fitted(wide(), batch_size=N)
    with team_of(2):
        assert same(whole, fitted(wide(), batch_size=N))


class Cut(Callback):
    """Ends a fit after so many steps."""

    pause_every = 1

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_progress(self, training: Training) -> None:
        if training.network.n_steps >= self.steps:
            training.stop("cut short for a test")


def test_a_fit_that_was_cut_short_goes_on() -> None:
    whole, cut = fitted(ensemble()), ensemble()
    fitted(cut, callbacks=[Cut(2)])
    assert cut.n_steps < whole.n_steps
    assert cut.place is not None
    assert cut.place["samples"] == 8 * K * cut.n_steps
    fitted(cut, epochs=2)
    assert same(whole, cut)


def test_an_epoch_has_as_many_steps_as_with_shared_batches() -> None:
    own, shared = ensemble(), ensemble(shares=True)
    for net in (own, shared):
        fitted(net, schedule="cosine")
    assert own.n_steps == shared.n_steps == 2 * 6


def test_large_data_that_are_converted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = samples()
    whole = ensemble(dtype="float32")
    whole.fit(X.astype(np.float32), y, epochs=2, batch_size=8, progress=False)
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
    monkeypatch.setattr("nncore.data.dataset.rows_at_once", lambda n_bytes: 2)
    assert same(whole, fitted(ensemble(dtype="float32")))


def test_members_share_the_batches_of_a_stream() -> None:
    own, shared = ensemble(), ensemble(shares=True)
    for net in (own, shared):
        net.fit(Loader(samples(), 8), epochs=2, batch_size=8, shuffle=False, progress=False)
    assert same(own, shared)


def test_a_batch_of_the_user_s_is_shared() -> None:
    X, y = samples()
    own, shared = ensemble(), ensemble(shares=True)
    for net in (own, shared):
        net.train_on_batch(X, y)
    assert same(own, shared)
    np.testing.assert_array_equal(own.predict(X), shared.predict(X))


class Against(Loss):
    """A loss of whole batches."""

    needs_batch = True

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return ((output - target) ** 2)[:, 0]

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return 2 * (output - target) * weight[:, None]


@each(
    "layers, loss, message",
    [
        ([nn.MemberHeads(1), nn.Flatten()], "mse", "nn.MeanMembers"),
        ([nn.Residual([nn.MembersDense(D)]), nn.MemberHeads(1), nn.MeanMembers()], "mse", "chain"),
        ([nn.MemberHeads(1), nn.MeanMembers()], Against(), "compares the samples of a batch"),
    ],
)
def test_what_needs_shared_batches_is_refused(layers: list[Layer], loss: Any, message: str) -> None:
    net = nn.Sequential(nn.RepeatMembers(K, share_training_batches=False), *layers)
    with pytest.raises(ParameterError, match=message):
        net.fit(*samples(), loss=loss, optimizer="adam", epochs=1, progress=False)
