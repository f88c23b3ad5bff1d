"""Networks trained together have the bits of separate fits, with any number of threads; also if one of them fails."""

from __future__ import annotations

import copy
import io
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest

import nncore as nn
import nncore.network.many as many_module
from nncore.callbacks.progress_bar import ProgressBar
from nncore.errors import BusyError, CallError, DataError, DtypeError, NonFiniteError, ParameterError, ShapeError, UnknownComponentError
from nncore.network.work import Work
from nncore.plugin import Activation, Callback, Loss
from nncore.testing import team_of

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(150, 6)).astype(np.float32), RNG.integers(3, size=150)
REAL = np.stack([X[:, 0] * X[:, 1], X.sum(axis=1)], axis=1)
HELD_OUT = X[:40], Y[:40]
FOLDS = [np.sort(RNG.permutation(150)[:n]) for n in (100, 61, 120)]
WEIGHTS = RNG.uniform(0.1, 5, size=150)
BOOTSTRAP = [RNG.integers(150, size=150) for _ in range(3)]


def classifier(*inside: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(12, activation="relu"), *inside, nn.Dense(3))


class InPython(Activation):
    """An activation without a kernel."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def forward(self, z: np.ndarray) -> np.ndarray:
        return np.tanh(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * (1 - a * a)


class Whole(Loss):
    """Half the mean squared error of whole batches, in NumPy."""

    needs_batch = True
    targets = "real"

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return 0.5 * np.square(output - target).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return (output - target) * weight[:, None]


#: Name, network, arguments of fit. Callbacks are made anew for each fit.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (classifier, {}),
    "dropout": (lambda: classifier(nn.Dropout(0.3)), {"epochs": 7}),
    "batch norm": (lambda: classifier(nn.BatchNorm()), {"batch_size": 64}),
    "validated": (classifier, {"validation": HELD_OUT, "metrics": ["accuracy"]}),
    "stopped early": (
        classifier,
        {"validation": HELD_OUT, "epochs": 40, "optimizer": nn.Adam(lr=0.05), "callbacks": lambda: [nn.EarlyStopping(patience=2)]},
    ),
    "averaged": (classifier, {"callbacks": lambda: [nn.EMA(0.9)]}),
    "scheduled": (
        lambda: classifier(nn.Dropout(0.2)),
        {"schedule": {"lr": "cosine", "dropout_1.rate": {"name": "warmup", "then": "constant"}}},
    ),
    "plateau": (classifier, {"schedule": nn.Plateau(monitor="loss", patience=1), "epochs": 9}),
    "accumulated": (classifier, {"accumulate": 2, "drop_last": True}),
    "balanced": (classifier, {"sampler": "balanced"}),
    "in order": (classifier, {"shuffle": False}),
    "transformed": (classifier, {"transforms": ["gaussian_noise", "mixup"]}),
    "weighted": (classifier, {"sample_weight": WEIGHTS}),
    "decayed": (classifier, {"weight_decay": 0.01, "clip_norm": 0.5, "groups": {"*.bias": {"lr": 0.01}}}),
    "float64": (classifier, {"dtype": "float64", "optimizer": "rmsprop"}),
    "real": (lambda: nn.Sequential(nn.Dense(9, activation="tanh"), nn.Dense(2)), {"y": REAL, "loss": "mse", "validation": (X, REAL)}),
    "python": (lambda: nn.Sequential(nn.Dense(9, activation=InPython()), nn.Dense(3)), {}),
    "whole batch": (lambda: nn.Sequential(nn.Dense(2)), {"y": REAL, "loss": Whole(), "validation": (X, REAL)}),
}  # fmt: skip


def arguments_of(name: str) -> dict[str, Any]:
    given = {"y": Y, "loss": "softmax_cross_entropy", "epochs": 5, "batch_size": 16, **CASES[name][1]}
    return given | {"callbacks": given["callbacks"]()} if "callbacks" in given else given


def as_each(arguments: list[dict[str, Any]], **defaults: Any) -> dict[str, Any]:
    """Arguments of several fits, combined for `fit_many`."""
    names = {name for one in arguments for name in one}
    usual = {"epochs": 5, "batch_size": 16, "accumulate": 1, "drop_last": False, "transforms": (), "callbacks": ()}
    return {name: nn.each([one.get(name, usual.get(name)) for one in arguments]) for name in names} | defaults


def assert_same_fit(one: nn.Sequential, other: nn.Sequential, history: nn.History, expected: nn.History) -> None:
    np.testing.assert_array_equal(one.parameters, other.parameters)
    for name, buffer in other.named_buffers().items():
        np.testing.assert_array_equal(one.named_buffers()[name], buffer)
    assert (one.n_steps, one.n_epochs, history.stop_reason) == (other.n_steps, other.n_epochs, expected.stop_reason)
    assert history.keys() == expected.keys()
    for name in set(expected) - {"seconds"}:
        np.testing.assert_array_equal(history[name], expected[name])


@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_each_network_ends_with_the_bits_of_a_fit_of_its_own(n_parts: int) -> None:
    names = list(CASES)
    many, alone = ([CASES[name][0]() for name in names] for _ in range(2))
    with team_of(n_parts):
        histories = nn.fit_many(many, X, rng=list(range(len(names))), progress=False, **as_each([arguments_of(name) for name in names]))
    for rng, (name, one, other, history) in enumerate(zip(names, many, alone, histories, strict=True)):
        expected = other.fit(X, rng=rng, progress=False, **arguments_of(name))
        assert_same_fit(one, other, history, expected)


@pytest.mark.parametrize("rows", [FOLDS, BOOTSTRAP], ids=["folds", "bootstrap"])
@pytest.mark.parametrize("given", [{}, {"shuffle": False}, {"sampler": "balanced"}, {"sample_weight": WEIGHTS}])
def test_rows_are_those_samples(rows: list[np.ndarray], given: dict[str, Any]) -> None:
    many, alone = ([classifier() for _ in rows] for _ in range(2))
    held_out = [None, np.arange(30), np.arange(30, 90)]
    shared = {"loss": "softmax_cross_entropy", "epochs": 4, "batch_size": 32, "progress": False}
    histories = nn.fit_many(many, X, Y, rows=rows, validation_rows=held_out, rng=[0, 1, 2], **shared, **given)
    weights = given.get("sample_weight")
    for rng, (one, other, history, own, out) in enumerate(zip(many, alone, histories, rows, held_out, strict=True)):
        chosen = given | ({} if weights is None else {"sample_weight": weights[own]})
        if out is not None:
            chosen["validation"] = (X[out], Y[out]) if weights is None else (X[out], Y[out], weights[out])
        assert_same_fit(one, other, history, other.fit(X[own], Y[own], rng=rng, **shared, **chosen))


def test_rows_of_large_arrays_are_converted_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 1000)
    monkeypatch.setattr("nncore.blocks.BLOCK", 1500)
    wide = X.astype(np.float64)
    many, alone = [classifier(), classifier()], [classifier(), classifier()]
    shared = {"loss": "softmax_cross_entropy", "epochs": 3, "batch_size": 16, "progress": False}
    histories = nn.fit_many(many, wide, Y, rows=BOOTSTRAP[:2], rng=0, **shared)
    for one, other, history, rows in zip(many, alone, histories, BOOTSTRAP, strict=False):
        assert_same_fit(one, other, history, other.fit(wide[rows], Y[rows], rng=0, **shared))


def test_inputs_of_rows_are_read_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, begin = [], Work.begin

    def spy(work: Work) -> Any:
        seen.append(work.arguments[0])
        return begin(work)

    monkeypatch.setattr(Work, "begin", spy)
    nn.fit_many([classifier(), classifier()], X, Y, rows=FOLDS[:2], loss="softmax_cross_entropy", epochs=2, progress=False)
    assert seen
    assert all(np.shares_memory(inputs, X) for inputs in seen)


def test_a_fold_that_was_cut_short_goes_on_in_a_fit_of_its_own() -> None:
    many, alone = [classifier(), classifier()], [classifier(), classifier()]
    shared = {"loss": "softmax_cross_entropy", "batch_size": 16, "progress": False}
    stops = [[nn.LambdaCallback(on_progress=lambda training: training.stop("enough", cut_short=True))], []]
    nn.fit_many(many, X, Y, rows=FOLDS[:2], rng=0, epochs=1, callbacks=nn.each(stops), **shared)
    many[0].fit(X[FOLDS[0]], Y[FOLDS[0]], epochs=2 - many[0].n_epochs, **shared)
    alone[0].fit(X[FOLDS[0]], Y[FOLDS[0]], rng=0, epochs=2, **shared)
    np.testing.assert_array_equal(many[0].parameters, alone[0].parameters)


# ---- arguments -------------------------------------------------------------------------------------------------------------


def test_a_plain_list_or_each_gives_every_network_its_own() -> None:
    many = [classifier(), classifier()]
    histories = nn.fit_many(
        many, nn.each([X, X[:50]]), nn.each([Y, Y[:50]]), loss="softmax_cross_entropy", epochs=[2, 3], metrics=["accuracy"], progress=False
    )
    assert [len(history) for history in histories] == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": [1, 2, 3]}, ParameterError, "epochs must have a value for each of the 2 networks, got 3"),
        ({"rows": [FOLDS[0]]}, ParameterError, "rows must have a value for each of the 2 networks, got 1"),
        ({"rows": 3}, ParameterError, "rows must have a value for each of the 2 networks, got 3"),
        ({"rows": [[0, 1], [0, 150]]}, DataError, r"rows\[1\] holds 150, and the rows of X are 0 to 149"),
        ({"rows": [[0, 1], [-1]]}, DataError, r"rows\[1\] holds -1"),
        ({"rows": [[0, 1], []]}, DataError, r"rows\[1\] selects no samples"),
        ({"rows": [np.ones(150, bool)] * 2}, DtypeError, r"rows\[0\] must hold numbers of rows \(int\), got bool: .* pass np.flatnonzero"),
        ({"rows": [[[0]], [[1]]]}, ShapeError, r"rows\[0\] must be a vector"),
        ({"validation": HELD_OUT, "validation_rows": [FOLDS[0]] * 2}, ParameterError, "contradict each other: pass one of them"),
        ({"on_error": "ignore"}, ParameterError, "on_error must be 'raise' or 'return'"),
        ({"n_threads": 0}, ParameterError, "n_threads must be a whole number of at least 1"),
        ({"epoch": 3}, CallError, "fit_many has no argument 'epoch'"),
        ({"loss": ["softmax_cross_entropy", "no such loss"]}, UnknownComponentError, "network 1: .*no such loss"),
        ({"epochs": [1, -1]}, ParameterError, "network 1: epochs must be a whole number"),
        ({"metrics": nn.each([[], ["nonsense"]])}, UnknownComponentError, "network 1: .*nonsense"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_before_any_network_changes(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    many = [classifier(), classifier()]
    with pytest.raises(error, match=message):
        nn.fit_many(many, **{"X": X, "y": Y, "loss": "softmax_cross_entropy", "epochs": 1, "progress": False} | arguments)
    assert not any(net.is_built for net in many)
    assert all(net._trainer == 0 for net in many)


@pytest.mark.parametrize("networks", [[], None, classifier(), [classifier(), "net"], 3])
def test_networks_must_be_some(networks: Any) -> None:
    with pytest.raises(ParameterError, match="networks must be a list of one network or more"):
        nn.fit_many(networks, X, Y, loss="softmax_cross_entropy")


def test_each_takes_a_list() -> None:
    with pytest.raises(ParameterError, match="each takes a list"):
        nn.each(3)  # type: ignore[arg-type]
    assert repr(nn.each([1, 2])) == "each([1, 2])"


def test_a_network_comes_once() -> None:
    one = classifier()
    with pytest.raises(ParameterError, match="networks 0 and 2 are the same object"):
        nn.fit_many([one, classifier(), one], X, Y, loss="softmax_cross_entropy")


def test_networks_do_not_share_callbacks() -> None:
    many, shared = [classifier(), classifier()], nn.EarlyStopping(monitor="loss")
    with pytest.raises(BusyError, match="networks 0 and 1 have the same callback"):
        nn.fit_many(many, X, Y, loss="softmax_cross_entropy", callbacks=[shared])
    assert not many[0].is_built


def test_a_network_in_a_fit_is_refused_and_the_others_stay_as_they_are() -> None:
    other, errors = classifier(), []

    def tries(training: Any) -> None:
        with pytest.raises(BusyError, match="fit_many: this network is being fitted") as caught:
            nn.fit_many([other, training.network], X, Y, loss="softmax_cross_entropy")
        errors.append(caught.value)

    net = classifier()
    net.fit(X, Y, loss="softmax_cross_entropy", epochs=1, callbacks=[tries], progress=False)
    assert len(errors) == 1
    assert not other.is_built
    assert other._trainer == 0


def test_a_network_of_many_cannot_be_fitted_meanwhile() -> None:
    refused = []

    def tries(training: Any) -> None:
        for net in many:
            with pytest.raises(BusyError):
                net.fit(X, Y, epochs=1)
            refused.append(net)

    many = [classifier(), classifier()]
    nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=1, callbacks=[tries], progress=False)
    assert len(refused) == 4
    many[1].fit(X, Y, epochs=1, progress=False)  # they are free again


# ---- errors and interruptions ----------------------------------------------------------------------------------------------


def diverging(epoch: int) -> Callback:
    def breaks(training: Any) -> None:
        if training.epoch == epoch:
            training.network.parameters[...] = np.nan

    return nn.LambdaCallback(on_epoch_end=breaks)


@pytest.mark.parametrize("n_parts", [1, 3])
def test_an_error_ends_all_and_names_the_network(n_parts: int) -> None:
    many, reference = [classifier() for _ in range(3)], classifier()
    callbacks = nn.each([[], [diverging(2)], []])
    with team_of(n_parts), pytest.raises(NonFiniteError, match="network 1: the loss became NaN"):
        nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=500, rng=0, callbacks=callbacks, progress=False)
    assert all(net._trainer == 0 for net in many)
    assert all(0 < net.n_steps < 500 * 2 for net in many)
    many[0].fit(X, Y, epochs=max(0, 60 - many[0].n_epochs), progress=False)  # resumes where it was interrupted
    if many[0].n_epochs == 60:
        reference.fit(X, Y, loss="softmax_cross_entropy", epochs=60, rng=0, progress=False)
        np.testing.assert_array_equal(many[0].parameters, reference.parameters)


def test_errors_can_be_returned() -> None:
    many, alone = [classifier() for _ in range(3)], classifier()

    def fails(training: Any) -> None:
        raise LookupError("lost")

    results = nn.fit_many(
        many, X, Y, loss="softmax_cross_entropy", epochs=4, rng=0, callbacks=nn.each([[diverging(2)], [fails], []]), on_error="return",
        progress=False,
    )  # fmt: skip
    expected = alone.fit(X, Y, loss="softmax_cross_entropy", epochs=4, rng=0, progress=False)
    assert isinstance(results[0], NonFiniteError)
    assert isinstance(results[1], LookupError)
    assert results[1].__notes__ == ["This happened in the fit of network 1."]
    assert_same_fit(many[2], alone, results[2], expected)


@pytest.mark.parametrize("n_parts", [1, 3])
def test_ctrl_c_ends_all_fits_and_each_goes_on_later(n_parts: int) -> None:
    many, whole = [classifier() for _ in range(3)], classifier()

    def pressed(training: Any) -> None:
        if training.epoch == 3:
            raise KeyboardInterrupt

    shared = {"loss": "softmax_cross_entropy", "progress": False}
    with team_of(n_parts):
        histories = nn.fit_many(many, X, Y, epochs=400, rng=0, callbacks=nn.each([[], [], [pressed]]), **shared)
    assert all(history.interrupted for history in histories)
    assert all(history.stop_reason == "interrupted" for history in histories)
    whole.fit(X, Y, epochs=500, rng=0, **shared)
    for net in many[:2]:
        net.fit(X, Y, epochs=500 - net.n_epochs, **shared)
        np.testing.assert_array_equal(net.parameters, whole.parameters)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_is_obeyed_while_workers_work() -> None:
    many = [classifier() for _ in range(4)]
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with team_of(2):
            histories = nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=1_000_000, progress=False)
    finally:
        timer.join()
    assert all(history.interrupted for history in histories)
    assert all(net._turn.owner == 0 for net in many)


def test_a_callback_that_fails_at_the_end_of_an_interrupted_fit_is_heard() -> None:
    class Fails(Callback):
        def on_fit_end(self, training: Any) -> None:
            raise LookupError("lost")

    def pressed(training: Any) -> None:
        raise KeyboardInterrupt

    many = [classifier(), classifier()]
    with pytest.raises(LookupError, match="lost"):
        nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=90, callbacks=nn.each([[Fails()], [pressed]]), progress=False)


# ---- threads ---------------------------------------------------------------------------------------------------------------


def test_python_runs_in_the_calling_thread() -> None:
    seen: set[int] = set()

    class Told(InPython):
        def forward(self, z: np.ndarray) -> np.ndarray:
            seen.add(threading.get_ident())
            return super().forward(z)

    many = [nn.Sequential(nn.Dense(5, activation=Told()), nn.Dense(3)) for _ in range(3)]
    callbacks = nn.each([[lambda training: seen.add(threading.get_ident())] for _ in many])
    with team_of(3):
        nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=2, callbacks=callbacks, progress=False)
    assert seen == {threading.get_ident()}


def test_the_last_networks_share_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, begin = [], Work.begin

    def spy(work: Work) -> Any:
        seen.append(work.n_threads)
        return begin(work)

    monkeypatch.setattr(Work, "begin", spy)
    with team_of(4):
        nn.fit_many([classifier() for _ in range(4)], X, Y, loss="softmax_cross_entropy", epochs=[1, 2, 3, 300], progress=False)
    assert seen[0] == 1
    assert seen[-1] == 4
    assert seen == sorted(seen)


def test_other_threads_use_the_networks_meanwhile() -> None:
    many, alone = [classifier() for _ in range(3)], classifier()
    for net in (*many, alone):
        net.build(6, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    is_over, found = threading.Event(), []

    def looks() -> None:
        while not is_over.is_set():
            for net in many:
                found.append(net.evaluate(X, Y)["loss"])
                copy.deepcopy(net)

    thread = threading.Thread(target=looks)
    thread.start()
    try:
        with team_of(2):
            nn.fit_many(many, X, Y, epochs=60, batch_size=16, rng=0, progress=False)
    finally:
        is_over.set()
        thread.join()
    alone.fit(X, Y, epochs=60, batch_size=16, rng=0, progress=False)
    assert np.isfinite(found).all()
    for net in many:
        np.testing.assert_array_equal(net.parameters, alone.parameters)


def test_many_within_a_callback_of_many() -> None:
    inner = [classifier(), classifier()]

    def fits(training: Any) -> None:
        nn.fit_many(inner, X, Y, loss="softmax_cross_entropy", epochs=1, rng=0, progress=False)

    many = [classifier(), classifier()]
    with team_of(3):
        nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=2, callbacks=nn.each([[fits], []]), progress=False)
    assert [net.n_epochs for net in (*inner, *many)] == [2, 2, 2, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_in_a_callback_trains_on_by_itself() -> None:
    pids: list[int] = []

    def forks(training: Any) -> None:
        if training.epoch == 2 and not pids:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, about forks of processes with threads
                pids.append(os.fork())

    def trained() -> list[nn.Sequential]:
        many = [classifier() for _ in range(4)]
        with team_of(3):
            nn.fit_many(many, X, Y, loss="softmax_cross_entropy", epochs=9, rng=0, callbacks=nn.each([[forks], [], [], []]), progress=False)
        return many

    many = trained()
    if pids[0] == 0:
        alone = classifier()
        alone.fit(X, Y, loss="softmax_cross_entropy", epochs=9, rng=0, progress=False)
        os._exit(0 if all(np.array_equal(net.parameters, alone.parameters) for net in many) else 1)
    for _ in range(3000):
        finished, status = os.waitpid(pids[0], os.WNOHANG)
        if finished:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(pids[0], signal.SIGKILL)
    raise AssertionError("the child hangs")


def test_one_progress_bar_shows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    bar = ProgressBar(delay=0, stream=stream)
    monkeypatch.setattr(many_module, "new_bar", lambda: bar)
    nn.fit_many([classifier(), classifier()], X, Y, loss="softmax_cross_entropy", epochs=20)
    lines = stream.getvalue().splitlines()
    assert lines[-1].startswith("100 %  network 2/2  mean loss ")
