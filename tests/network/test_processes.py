"""Fits shared by several processes have the bits of one process, for all features, and equal results in all processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import nncore as nn
from nncore.errors import CollectiveError, NonFiniteError, ParameterError
from nncore.plugin import Callback, Collective, Loss, Optimizer
from nncore.testing import numpy_twin, on_ranks, team_of
from nncore.testing.expectations import expect_same_bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(130, 6)).astype(np.float32)
CLASSES = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)
WIDE_X = RNG.normal(size=(24, 600)).astype(np.float32)
SPARSE_X = scipy.sparse.random(130, 400, 0.05, format="csr", dtype=np.float32, random_state=0)


class Sharp(Optimizer):
    """Gradient descent by gradients taken where the loss is higher."""

    def __init__(self, lr: float = 0.1, rho: float = 0.3) -> None:
        self.lr = lr
        self.rho = rho

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        w += self.rho / norm * g

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
        w -= self.lr * g


class Spread(Loss):
    """Squared error of what is left once the batch's mean is taken away: rows depend on each other."""

    needs_batch = True
    targets = "real"

    def n_targets(self, n_outputs: int) -> int:
        return n_outputs

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return (self._rest(output, target, weight) ** 2).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return 2 * weight[:, None] * self._rest(output, target, weight)

    def _rest(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        rest = output - target
        return rest - weight @ rest


def classifier(*hidden: Any, **fit: Any) -> tuple[Callable[[], nn.Sequential], dict[str, Any]]:
    return lambda: nn.Sequential(*hidden, nn.Dense(3)), {"loss": "softmax_cross_entropy", **fit}


def autoencoder() -> nn.Sequential:
    return nn.Sequential(nn.Dense(5, activation="tanh", name="in"), nn.Dense(6, tied_to="in"))


RULES = {
    "dense_1.weight": {"regularizer": ["l1", numpy_twin(nn.L2(0.01))], "constraint": [nn.MaxNorm(1.0), numpy_twin(nn.NonNegative())]},
    "dense_2.*": {"regularizer": "group_lasso"},
}
#: Networks, and arguments of `fit` for them.
CASES: dict[str, tuple[Callable[[], nn.Sequential], dict[str, Any]]] = {
    "plain": classifier(nn.Dense(20, activation="gelu"), nn.Dense(70, activation="relu"), train_metrics=True),
    "batch_norm": classifier(nn.Dense(20), nn.BatchNorm(), nn.ActivationLayer("relu"), nn.Dropout(0.3), accumulate=2),
    "branches": classifier(nn.Residual([nn.Dense(6, activation="tanh"), nn.BatchNorm()]), nn.Concat([[nn.Dense(4)], [nn.Dense(9)]])),
    "limits": classifier(
        nn.Dense(9, activation="elu"), weight_decay=0.1, clip_norm=0.05, clip_value=0.03, optimizer="adafactor",
        sample_weight=RNG.uniform(0.1, 3, len(X)),
    ),
    "rules": classifier(nn.Dense(9, activation="tanh"), groups=RULES, optimizer="momentum"),
    "average": classifier(nn.Dense(9, activation="tanh"), callbacks=["ema"], schedule="cosine"),
    "average_of_epochs": classifier(nn.Dense(9, activation="tanh"), callbacks=["swa"]),
    "trajectory": classifier(nn.Dense(9, activation="tanh"), optimizer="lookahead"),
    "shards": classifier(nn.Dense(9, activation="tanh"), nn.BatchNorm(), shards=4, clip_norm=0.2),
    "ties": (autoencoder, {"loss": "mse", "clip_norm": 0.1}),
    "transforms": classifier(nn.Dense(9, activation="tanh"), transforms=["mixup", numpy_twin(nn.GaussianNoise(0.1))]),
    "whole_loss": (lambda: nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(6)), {"loss": Spread()}),
    "members": (
        lambda: nn.Sequential(nn.RepeatMembers(4), nn.MembersDense(9, "relu"), nn.MemberHeads(3), nn.MeanMembers(link="softmax")),
        {"loss": "softmax_cross_entropy"},
    ),
    "sparse": classifier(nn.Dense(20, activation="gelu"), accumulate=2),
    "sparse_lazy": classifier(nn.Dense(20, activation="gelu"), groups={"dense_1.weight": {"lazy": True}}),
    "sparse_scaled": classifier(nn.ScaledDense(20, activation="gelu"), shards=2),
    "sparse_members": (
        lambda: nn.Sequential(nn.RepeatedDense(4, 9, "relu"), nn.MemberHeads(3), nn.MeanMembers(link="softmax")),
        {"loss": "softmax_cross_entropy"},
    ),
    "python": classifier(
        numpy_twin(nn.BatchNorm()), nn.Dense(9, activation="relu"), numpy_twin(nn.Dense(7)), optimizer=numpy_twin(nn.Adam())
    ),
    "two_passes": classifier(nn.Dense(9, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), optimizer=Sharp(), clip_norm=0.2),
    "two_optimizers": classifier(
        nn.Dense(9, activation="tanh"), nn.Dense(8), clip_value=0.01,
        groups={"dense_2.*": {"optimizer": "adafactor"}, "*.bias": {"frozen": True}},
    ),
    "lazy": classifier(nn.Embedding(40_000, 8, columns=[0]), groups={"embedding_1.*": {"lazy": True}}),
    "tiles": (lambda: nn.Sequential(nn.Dense(600, activation="relu"), nn.Dense(3)), {"loss": "softmax_cross_entropy", "batch_size": 16}),
}  # fmt: skip


def data_for(case: str) -> tuple[Any, np.ndarray]:
    if case == "tiles":
        return WIDE_X, CLASSES[: len(WIDE_X)]
    if case.startswith("sparse"):
        return SPARSE_X, CLASSES
    if case == "lazy":
        return np.column_stack([np.arange(len(X)) * 300, X[:, 1:]]).astype(np.float32), CLASSES
    return X, (X[:, ::-1] * 0.5).copy() if case in ("ties", "whole_loss") else CLASSES


def left_by(network: nn.Sequential, history: Any) -> dict[str, np.ndarray]:
    """Everything that a fit changes or returns."""
    rows = {f"history {name}": np.array(history[name]) for name in history if name != "seconds"}
    return {"parameters": network.parameters.copy(), **rows, **network.optimizer_state, **network.named_buffers()}


def fitted(case: str, collective: Collective | None, **more: Any) -> dict[str, np.ndarray]:
    make, fit = CASES[case]
    (inputs, targets), network = data_for(case), make()
    settings = {"batch_size": 32, "epochs": 3, "rng": 0, "progress": False, "validation": (inputs[:50], targets[:50]), **fit, **more}
    return left_by(network, network.fit(inputs, targets, collective=collective, **settings))


def expect_equal(results: list[Any], expected: dict[str, np.ndarray], what: str) -> None:
    for rank, found in enumerate(results):
        if isinstance(found, BaseException):
            raise found
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            expect_same_bits(found[name], value, f"{what}, process {rank}: {name}")


def check_bits(case: str, teams: tuple[tuple[int, int], ...]) -> None:
    """Compare several processes, with several threads each, with one process."""
    with team_of(1):
        alone = fitted(case, None)
    for size, n_threads in teams:
        with team_of(n_threads):
            expect_equal(on_ranks(size, lambda collective: fitted(case, collective)), alone, f"{size} processes of {n_threads} threads")


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_processes_has_the_bits_of_one(case: str) -> None:
    check_bits(case, ((2, 2), (3, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_more_processes_have_the_bits_of_one(case: str) -> None:
    check_bits(case, ((1, 2), (2, 1), (4, 1), (4, 2), (8, 1), (8, 2)))


def test_float64_and_callbacks_that_stop() -> None:
    def run(collective: Collective | None) -> dict[str, np.ndarray]:
        stopping = nn.EarlyStopping("val_loss", patience=2, min_delta=0.5)
        return fitted("plain", collective, dtype="float64", callbacks=[stopping], epochs=50)

    alone = run(None)
    assert len(alone["history loss"]) < 50
    expect_equal(on_ranks(3, run), alone, "early stopping")


# ---- the same outcome in all processes -------------------------------------------------------------------------------------


def errors_of(results: list[Any], kind: type[Exception]) -> list[str]:
    assert all(isinstance(found, kind) for found in results), results
    return [str(found) for found in results]


def test_nan_of_one_process_stops_all_with_the_same_error() -> None:
    """NaN in one process stops all of them with the same error; here only the last row overflows, which the last process has."""
    inputs, targets = X.copy(), X[:, :1].copy()
    inputs[-1] = 1e38

    def run(collective: Collective | None) -> None:
        nn.Sequential(nn.Dense(4), nn.Dense(1)).fit(
            inputs, targets, loss="mse", batch_size=len(X), shuffle=False, epochs=2, rng=0, progress=False, collective=collective
        )

    with pytest.raises(NonFiniteError) as alone:
        run(None)
    results = on_ranks(3, run)
    assert errors_of(results, NonFiniteError) == [str(alone.value)] * 3
    assert {(found.step, found.layer) for found in results} == {(alone.value.step, alone.value.layer)}


def test_a_step_that_would_overflow_is_taken_back_by_all() -> None:
    messages = set()

    def run(collective: Collective | None) -> dict[str, np.ndarray]:
        network = nn.Sequential(nn.Dense(40, activation="tanh"), nn.Dense(3))
        fit = {"loss": "softmax_cross_entropy", "optimizer": nn.Momentum(1e38, momentum=0.999), "batch_size": 32, "rng": 0}
        with pytest.raises(NonFiniteError) as caught:
            network.fit(X, CLASSES, epochs=3, progress=False, collective=collective, **fit)
        messages.add(str(caught.value))
        return {"parameters": network.parameters.copy(), **network.optimizer_state}

    expect_equal(on_ranks(3, run), run(None), "a step taken back")
    assert len(messages) == 1


def test_what_one_process_raises_stops_the_others_with_a_word() -> None:
    class Odd(Callback):
        def on_epoch_end(self, training: Any) -> None:
            if training.epoch == 2 and threading.current_thread().name == "rank 1":
                raise KeyError("of its own")

    def run(collective: Collective) -> None:
        nn.Sequential(nn.Dense(3)).fit(X, CLASSES, loss="softmax_cross_entropy", progress=False, callbacks=[Odd()], collective=collective)

    first, own, last = on_ranks(3, run)
    assert isinstance(own, KeyError)
    assert errors_of([first, last], CollectiveError) == ["process 1 of 3 was stopped by KeyError: 'of its own'"] * 2


def test_a_layer_that_raises_in_one_process_stops_all_at_that_step() -> None:
    class Odd(nn.Dense):
        kernel = None
        n_calls = 0

        def forward(self, call: Any) -> None:
            self.n_calls += 1
            if self.n_calls == 5 and threading.current_thread().name == "rank 0":
                raise ValueError("the fifth")
            super().forward(call)

    ends = {}

    def run(collective: Collective) -> None:
        network = nn.Sequential(nn.Dense(4), Odd(3))
        try:
            network.fit(X, CLASSES, loss="softmax_cross_entropy", batch_size=32, progress=False, collective=collective)
        finally:
            ends[collective.rank] = network.n_steps

    own, *others = on_ranks(3, run)
    assert isinstance(own, ValueError)
    assert all("the fifth" in text for text in errors_of(others, CollectiveError))
    assert ends == {0: 4, 1: 4, 2: 4}


def test_processes_that_begin_different_fits_are_refused() -> None:
    def run(collective: Collective, **own: Any) -> None:
        fit = {"loss": "softmax_cross_entropy", "progress": False, "collective": collective, "rng": 0, **own}
        nn.Sequential(nn.Dense(own.pop("width", 3))).fit(X, CLASSES, **fit)

    def with_another_batch(collective: Collective) -> None:
        run(collective, batch_size=32 if collective.rank == 1 else 64)

    for text in errors_of(on_ranks(2, with_another_batch), CollectiveError):
        assert "batch_size is 64 in process 0 and 32 in process 1" in text

    def with_other_data(collective: Collective) -> None:
        nn.Sequential(nn.Dense(3)).fit(
            X[collective.rank :], CLASSES[collective.rank :], loss="softmax_cross_entropy", progress=False, collective=collective
        )

    for text in errors_of(on_ranks(2, with_other_data), CollectiveError):
        assert "n_samples is 130 in process 0 and 129 in process 1" in text

    def with_a_bad_argument(collective: Collective) -> None:
        run(collective, epochs=-1 if collective.rank == 1 else 2)

    first, own = on_ranks(2, with_a_bad_argument)
    assert isinstance(own, ParameterError)
    assert "process 1 of 2 was stopped by ParameterError: epochs" in str(first)


@pytest.mark.parametrize(
    "own", [{"clip_norm": 0.5}, {"weight_decay": 0.1}, {"groups": {"*.bias": {"frozen": True}}}, {"optimizer": "sgd"}, {"epochs": 3}]
)
def test_whatever_decides_the_fit_must_be_the_same(own: dict[str, Any]) -> None:
    def run(collective: Collective) -> None:
        more = {"epochs": 2, **(own if collective.rank == 1 else {})}
        nn.Sequential(nn.Dense(3)).fit(X, CLASSES, loss="softmax_cross_entropy", progress=False, collective=collective, **more)

    for text in errors_of(on_ranks(2, run), CollectiveError):
        assert "all processes must begin the same fit" in text


def test_chance_is_drawn_once() -> None:
    def run(collective: Collective) -> np.ndarray:
        network = nn.Sequential(nn.Dropout(0.5), nn.Dense(3))
        network.fit(X, CLASSES, loss="softmax_cross_entropy", epochs=2, progress=False, collective=collective)
        return network.parameters

    first, second, third = on_ranks(3, run)
    expect_same_bits(second, first, "parameters")
    expect_same_bits(third, first, "parameters")


def test_only_the_first_process_writes_and_another_number_goes_on(tmp_path: Any) -> None:
    """Only the first process writes files; a fit of four interrupted within an epoch is resumed by two and by one with the same result."""
    files: list[Any] = []

    def fit(network: nn.Sequential, collective: Collective | None, epochs: int, *callbacks: Any) -> None:
        network.fit(
            X, CLASSES, loss="softmax_cross_entropy", optimizer="adam", batch_size=16, epochs=epochs, progress=False, rng=None,
            callbacks=[nn.EMA(0.9), *callbacks], collective=collective,
        )  # fmt: skip

    def network() -> nn.Sequential:
        return nn.Sequential(nn.Dense(9, activation="tanh"), nn.BatchNorm(), nn.Dense(3)).build(6, loss="softmax_cross_entropy", rng=1)

    class Cut(Callback):
        pause_every = 4

        def on_progress(self, training: Any) -> None:
            if training.network.n_steps == 4 * 3:
                training.stop("cut", cut_short=True)

    def begin(collective: Collective) -> None:
        own = network()
        checkpoint = nn.Checkpoint(tmp_path / "run.nncore", every_steps=4)
        fit(own, collective, 3, Cut(), checkpoint, nn.CSVLogger(tmp_path / "run.csv"))
        files.append(checkpoint.saved)

    for found in on_ranks(4, begin):
        assert found is None, found
    assert [file for file in files if file is not None] == [tmp_path / "run.nncore"]

    whole = network()
    fit(whole, None, 3)

    def go_on(collective: Collective | None) -> dict[str, np.ndarray]:
        own = nn.load(tmp_path / "run.nncore")
        fit(own, collective, 3 - own.n_epochs)
        return {"parameters": own.parameters.copy(), **own.optimizer_state, **own.named_buffers()}

    expected = {"parameters": whole.parameters.copy(), **whole.optimizer_state, **whole.named_buffers()}
    expect_equal([go_on(None)], expected, "alone")
    expect_equal(on_ranks(2, go_on), expected, "two processes")


def test_ctrl_c_in_one_process_ends_all() -> None:
    class Pressed(Callback):
        pause_every = 5

        def on_progress(self, training: Any) -> None:
            if training.network.n_steps == 10 and threading.current_thread().name == "rank 1":
                training._is_interrupted[0] = True  # set as the signal handler would, since threads have none

    def run(collective: Collective) -> dict[str, np.ndarray]:
        network = nn.Sequential(nn.Dense(3))
        history = network.fit(
            X, CLASSES, loss="softmax_cross_entropy", batch_size=16, rng=0, progress=False, callbacks=[Pressed()], collective=collective
        )
        assert history.interrupted
        assert len(history) < 20
        return left_by(network, history)

    first, *others = on_ranks(3, run)
    expect_equal(others, first, "interrupted")


def test_streams_are_shared_too() -> None:
    def run(collective: Collective | None) -> dict[str, np.ndarray]:
        return fitted("batch_norm", collective, memory_limit="20 MB")

    expect_equal(on_ranks(3, run), run(None), "a stream")


def test_what_optimizers_remember_is_not_shown_in_part() -> None:
    seen: list[str] = []

    class Looking(Callback):
        pause_every = 1

        def on_progress(self, training: Any) -> None:
            try:
                training.network.optimizer_state  # noqa: B018
            except nn.errors.BusyError as error:
                seen.append(str(error))

        def on_epoch_end(self, training: Any) -> None:
            assert training.network.optimizer_state

    def run(collective: Collective) -> None:
        nn.Sequential(nn.Dense(3)).fit(
            X, CLASSES, loss="softmax_cross_entropy", epochs=1, progress=False, callbacks=[Looking()], collective=collective
        )

    assert on_ranks(2, run) == [None, None]
    assert "each holds a part of the optimizer state" in seen[0]


def test_many_networks_at_once_take_no_collective() -> None:
    with pytest.raises(ParameterError, match="fit_many takes no collective="):
        nn.fit_many([nn.Sequential(nn.Dense(3))], X, CLASSES, collective="single", progress=False)
