"""Networks trained on streams: the same bits as on arrays, errors that are passed on, and no leftover threads."""

from __future__ import annotations

import _thread
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from losses.cox import Cox
from network.streams import OF_ARROW, SOURCES, Loader

import nncore as nn
from nncore.errors import BusyError, DataError, ParameterError, ShapeError
from nncore.plugin import Callback, Sampler
from nncore.testing import team_of
from nncore.training import Training

N, WIDTH = 403, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, WIDTH)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
W = RNG.uniform(0.5, 2, N)


def network(n_outputs: int = 2, loss: str = "softmax_cross_entropy") -> nn.Sequential:
    layers = nn.Dense(8, activation="tanh"), nn.Dropout(0.2), nn.Dense(n_outputs)
    return nn.Sequential(*layers).build(WIDTH, loss=loss, optimizer=nn.Adam(lr=0.02), rng=3)


def fitted(given: dict[str, Any], net: nn.Sequential | None = None, **options: Any) -> tuple[nn.Sequential, nn.History]:
    net = network() if net is None else net
    return net, net.fit(**given, **{"epochs": 2, "batch_size": 10, "progress": False, "shuffle": False, **options})


def arrays(n_parts: int = 2) -> dict[str, Any]:
    return dict(zip(("X", "y", "sample_weight"), (X, Y, W)[:n_parts], strict=False))


def assert_same(one: tuple[nn.Sequential, nn.History], other: tuple[nn.Sequential, nn.History]) -> None:
    np.testing.assert_array_equal(one[0].parameters, other[0].parameters)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        if name.startswith("val_") and name != "val_loss":  # weights are summed block by block
            np.testing.assert_allclose(one[1][name], other[1][name], rtol=1e-12)
        elif name != "seconds":
            np.testing.assert_array_equal(one[1][name], other[1][name])


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "nncore-reader"] == []


def source(name: str, folder: Path, n_parts: int = 2, rows: int = 37) -> dict[str, Any]:
    if name in OF_ARROW:
        pytest.importorskip("pyarrow")
    return SOURCES[name]((X, Y, W)[:n_parts], rows, folder)


# ---- the same bits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_a_stream_in_turn_trains_like_arrays(name: str, tmp_path: Path) -> None:
    assert_same(fitted(arrays(3), validation=0.3), fitted(source(name, tmp_path, 3), validation=0.3))


def spread(output: np.ndarray, target: np.ndarray, weight: np.ndarray | None) -> float:
    """A score that is not a mean over samples."""
    return float(np.ptp(output[:, 0] * (1 + target)))


WAYS: dict[str, dict[str, Any]] = {
    "accumulated": {"accumulate": 3},
    "last dropped": {"drop_last": True},
    "scheduled": {"schedule": "cosine"},
    "large batches": {"batch_size": 1000},
    "mixed up": {"transforms": ["mixup"]},
    "train metrics": {"train_metrics": True, "metrics": ["accuracy", spread]},
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_fitting(way: str) -> None:
    assert_same(fitted(arrays(), **WAYS[way]), fitted({"X": Loader((X, Y), 64)}, **WAYS[way]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(1, 90),
    rows=st.integers(1, 50),
    batch_size=st.integers(1, 40),
    accumulate=st.integers(1, 3),
    weighted=st.booleans(),
    name=st.sampled_from(["list", "arrays", "npz", "function"]),
)
def test_any_cut_gives_the_same_bits(
    n: int, rows: int, batch_size: int, accumulate: int, weighted: bool, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = (X[:n], Y[:n], 300 * W[:n])[: 2 + weighted]  # which arrays are scaled by a power of two
    options = {"batch_size": batch_size, "accumulate": accumulate, "epochs": 2}
    whole = fitted(dict(zip(("X", "y", "sample_weight"), parts, strict=False)), **options)
    assert_same(whole, fitted(SOURCES[name](parts, rows, tmp_path_factory.mktemp("stream")), **options))


def test_a_team_of_threads_changes_no_bit() -> None:
    alone = fitted({"X": Loader((X, Y), 50)}, shuffle=True, validation=0.2)
    with team_of(3):
        assert_same(alone, fitted({"X": Loader((X, Y), 50)}, shuffle=True, validation=0.2))


def test_real_targets_and_metrics_that_know_all_of_them() -> None:
    target = (X[:, :2] + X[:, 2:4]).astype(np.float64)
    options: dict[str, Any] = {"metrics": ["r2", "mae", "d2_absolute_error"], "validation": (X[:99], target[:99])}
    whole = fitted({"X": X, "y": target}, network(2, "mse"), **options)
    net, history = fitted({"X": Loader((X, target), 64)}, network(2, "mse"), **options | {"validation": Loader((X[:99], target[:99]), 20)})
    np.testing.assert_array_equal(net.parameters, whole[0].parameters)
    for name in history:
        if name != "seconds":
            np.testing.assert_allclose(history[name], whole[1][name], rtol=1e-6)


def test_a_score_that_is_no_mean() -> None:
    net = network()
    streamed, whole = (net.evaluate(*given, metrics=["accuracy", spread]) for given in ((Loader((X, Y), 50),), (X, Y)))
    assert streamed.keys() == whole.keys()
    np.testing.assert_allclose(list(streamed.values()), list(whole.values()), rtol=1e-12)


def test_a_loss_of_whole_batches_is_scored_at_once() -> None:
    target = np.column_stack([np.random.default_rng(1).exponential(size=N), Y]).astype(np.float32)
    net = nn.Sequential(nn.Dense(1)).build(WIDTH, loss=Cox(), optimizer="adam", rng=0)
    for weights in ((), (W,)):
        whole = net.evaluate(X, target, sample_weight=weights[0] if weights else None)
        np.testing.assert_allclose(net.evaluate(Loader((X, target, *weights), 50))["loss"], whole["loss"], rtol=1e-6)
    fitted({"X": Loader((X, target), 50)}, net, validation=Loader((X, target), 50))


@pytest.mark.parametrize("name", SOURCES)
def test_predictions_and_scores(name: str, tmp_path: Path) -> None:
    given, net = source(name, tmp_path), network()
    given.pop("memory_limit", None)
    if name != "arrays":
        assert net.evaluate(**given)["loss"] == net.evaluate(X, Y)["loss"]
    assert net.evaluate(X, Y, memory_limit="1 MB") == net.evaluate(X, Y)
    if name in ("loader", "function", "npy"):
        np.testing.assert_array_equal(net.predict(given["X"]), net.predict(X))
        np.testing.assert_array_equal(net.predict_proba(given["X"]), net.predict_proba(X))
    np.testing.assert_array_equal(net.predict(X[start : start + 50] for start in range(0, N, 50)), net.predict(X))


def test_columns_that_are_all_features(tmp_path: Path) -> None:
    ds = pytest.importorskip("pyarrow.dataset")
    path, net = source("parquet", tmp_path)["X"], network()
    features = ds.dataset(path).scanner(columns=[f"x{i}" for i in range(WIDTH)])
    np.testing.assert_array_equal(net.predict(features), net.predict(X))
    with pytest.raises(ShapeError, match=r"samples of shape \(6,\), this network takes \(5,\)"):
        net.predict(path)


# ---- in random order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["parquet", "npy", "list"])
@pytest.mark.parametrize("buffer", [1, 64, 10_000])
def test_an_epoch_visits_each_sample_once_in_an_order_of_its_own(name: str, buffer: int, tmp_path: Path) -> None:
    seen: list[np.ndarray] = []

    class Keeps(nn.plugin.Transform):
        def apply(self, call: nn.plugin.TransformCall) -> None:
            seen.append(call.source[:, 0].copy())

    options = {"shuffle": True, "shuffle_buffer": buffer, "transforms": [Keeps()], "epochs": 2, "batch_size": 10}
    fitted(source(name, tmp_path), **options)
    first, second = np.split(np.concatenate(seen), 2)
    np.testing.assert_array_equal(np.sort(first), np.sort(X[:, 0]))
    np.testing.assert_array_equal(np.sort(second), np.sort(X[:, 0]))
    assert not np.array_equal(first, X[:, 0])
    assert not np.array_equal(first, second)


def test_the_seed_decides_the_order(tmp_path: Path) -> None:
    given = source("npy", tmp_path)
    one, again = (fitted(given, shuffle=True, shuffle_buffer=50) for _ in range(2))
    assert_same(one, again)
    other, _ = fitted(given, shuffle=True, shuffle_buffer=50, rng=8)
    assert not np.array_equal(one[0].parameters, other.parameters)


def test_samplers_say_whether_they_can_go_through_a_stream() -> None:
    class Own(Sampler):
        def order(self, samples: Any, seed: int, epoch: int) -> None:
            return None

    for sampler in ("balanced", "blocks", Own()):
        with pytest.raises(DataError, match=r"needs all samples to choose from, and a stream has only some at a time"):
            fitted({"X": Loader((X, Y), 50)}, sampler=sampler, shuffle=None)
    fitted({"X": Loader((X, Y), 50)}, sampler="shuffle", shuffle=None)


# ---- a part held out --------------------------------------------------------------------------------------------------------


def test_a_part_is_held_out_by_number_and_seed(tmp_path: Path) -> None:
    one, other = fitted(arrays(), validation=0.25), fitted(source("npy", tmp_path), validation=0.25, shuffle=True)
    assert "val_loss" in other[1]
    assert one[0].n_steps == other[0].n_steps
    assert 0.7 * N < one[0].n_steps * 10 / 2 < 0.8 * N + 10
    with pytest.raises(DataError, match=r"validation=1e-09 of 403 samples holds none out"):
        fitted(arrays(), validation=1e-9)
    with pytest.raises(ParameterError, match=r"a fraction of the samples between 0 and 1, got 1\.5"):
        fitted(arrays(), validation=1.5)


# ---- errors -----------------------------------------------------------------------------------------------------------------


def test_a_generator_goes_through_one_epoch() -> None:
    assert_same(fitted(arrays(), epochs=1), fitted({"X": (batch for batch in Loader((X, Y), 50))}, epochs=1))
    for options, why in (
        ({}, "epochs=2 read it several times"),
        ({"epochs": 1, "validation": 0.2}, "held out would be gone through again"),
        ({"epochs": 1, "schedule": "cosine"}, "a schedule needs the number of steps"),
        ({"epochs": 1, "train_metrics": True}, "train_metrics=True"),
    ):
        with pytest.raises(ParameterError, match=rf"X can be iterated only once, but .*{why}.*function that returns a new iterator"):
            fitted({"X": (batch for batch in Loader((X, Y), 50))}, **options)
    with pytest.raises(ParameterError, match="validation X can be iterated only once"):
        fitted(arrays(), validation=(batch for batch in Loader((X, Y), 50)))


def test_what_contradicts_a_stream() -> None:
    loader, net = Loader((X, Y), 50), network()
    with pytest.raises(ParameterError, match="X is a stream whose batches hold their targets and weights: leave y out"):
        fitted({"X": loader, "y": Y})
    with pytest.raises(ParameterError, match="y is missing: X gives samples without targets"):
        fitted({"X": lambda: iter([X])})
    with pytest.raises(DataError, match="y is missing"):
        fitted({"X": X})
    with pytest.raises(DataError, match="X has no batches"):
        fitted({"X": []})
    with pytest.raises(DataError, match=r"there is no file 'none\.parquet'"):
        net.predict("none.parquet")
    with pytest.raises(DataError, match=r"pyarrow\.dataset\.dataset\(path, format=\"csv\"\)"):
        net.predict("some.csv")
    with pytest.raises(DataError, match="sample_weight must not be all zero"):
        fitted({"X": Loader((X, Y, 0 * W), 50)})
    with pytest.raises(DataError, match="some blocks of the stream have sample weights and others have none"):
        fitted({"X": [(X, Y), (X, Y, W)]})
    with pytest.raises(ParameterError, match="X must be a function without arguments that returns an iterator: len"):
        fitted({"X": len})
    with pytest.raises(ParameterError, match="find_learning_rate needs arrays, not a stream"):
        nn.find_learning_rate(net, loader, None)
    with pytest.raises(ParameterError, match="fit_many takes arrays"):
        nn.fit_many([net], loader, None)
    with pytest.raises(ParameterError, match="fit_many takes arrays"):
        nn.fit_many([net], X, Y, memory_limit="1 GB")


def test_memory_is_bounded_and_refused(tmp_path: Path) -> None:
    given = source("npy", tmp_path)
    with pytest.raises(ParameterError, match=r"shuffle_buffer=1000000 samples take .* use shuffle_buffer=\d+, or memory_limit=\d+"):
        fitted(given, shuffle=True, shuffle_buffer=10**6, memory_limit="1 MB")
    with pytest.raises(ParameterError, match=r"a step of 40000 samples takes .*use a smaller batch_size"):
        fitted({"X": np.zeros((40_000, WIDTH)), "y": np.zeros(40_000, int)}, batch_size=40_000, memory_limit="1 MB")
    with pytest.raises(ParameterError, match=r'memory_limit must be a number of bytes or a text like "2 GB"'):
        fitted(given, memory_limit="much")
    with pytest.raises(ParameterError, match="memory_limit must be at least 1000000 bytes"):
        fitted(given, memory_limit=5)
    with pytest.raises(ParameterError, match=r"spread.* needs the predictions for all 60000 samples at once.*, or memory_limit=\d+"):
        network().evaluate(np.zeros((60_000, WIDTH)), np.zeros(60_000, int), metrics=[spread], memory_limit="1 MB")


# ---- in the middle of a stream ----------------------------------------------------------------------------------------------


def broken(at: int, error: Exception) -> Iterator[Any]:
    for number, batch in enumerate(Loader((X, Y), 20)):
        if number == at:
            raise error
        yield batch


def test_an_error_of_the_source_comes_out_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError, match="of the source") as caught:
        fitted({"X": lambda: broken(3, ZeroDivisionError("of the source"))}, epochs=1)
    assert "broken" in [entry.name for entry in caught.traceback]


def test_a_sample_that_cannot_be_trained_on_is_named() -> None:
    bad = X.copy()
    bad[211, 2] = np.nan
    with pytest.raises(DataError, match=r"in a block of X, row 0 of which is row 200: X contains NaN at row 11, column 2"):
        fitted({"X": Loader((bad, Y), 50)})
    wrong = Y.copy()
    wrong[211] = 7
    with pytest.raises(DataError, match=r"row 0 of which is row 200: y is 7 at row 11"):
        fitted({"X": Loader((X, wrong), 50)}, epochs=1)


def test_a_stream_that_changes_is_noticed() -> None:
    lengths = iter([N, N, N, 300])  # for a first look, for counting, and in an epoch
    with pytest.raises(DataError, match=r"X had 403 samples at first, and has 300 now"):
        fitted({"X": lambda: iter(Loader((X[: (n := next(lengths))], Y[:n]), 50))})


class Ends(Callback):
    """Ends a fit in one of several ways after some steps."""

    def __init__(self, steps: int, how: str) -> None:
        self.steps, self.how = steps, how
        self.pause_every = 1

    def on_progress(self, training: Training) -> None:
        if training.network.n_steps == self.steps:
            if self.how == "stop":
                training.stop("enough")
            elif self.how == "error":
                raise ZeroDivisionError
            else:
                _thread.interrupt_main()
                time.sleep(0.01)


@pytest.mark.parametrize("how", ["stop", "error", "ctrl-c"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("name", ["parquet", "loader"])
def test_an_epoch_cut_short_goes_on_with_the_same_bits(name: str, shuffle: bool, how: str, tmp_path: Path) -> None:
    given, options = source(name, tmp_path), {"shuffle": shuffle, "validation": 0.2, "batch_size": 7, "shuffle_buffer": 100}
    whole, _ = fitted(given, **options)
    part = network()
    try:
        _, history = fitted(given, part, callbacks=[Ends(whole.n_steps // 2 + 5, how)], **options)
        assert history.interrupted == (how == "ctrl-c")
    except ZeroDivisionError:
        assert how == "error"
    assert part.place is not None
    part.save(tmp_path / "part.nncore")
    part = nn.load(tmp_path / "part.nncore")
    with pytest.raises(ParameterError, match="this one cannot resume it: sampler"):
        fitted(given, part, epochs=1, **options | {"shuffle": not shuffle})
    other = X.copy()
    other[0] += 1
    with pytest.raises(ParameterError, match="the data have other values"):
        fitted({"X": Loader((other, Y), 37)}, part, epochs=1, **options)
    fitted(given, part, epochs=1, **options)
    np.testing.assert_array_equal(part.parameters, whole.parameters)
    assert (part.n_steps, part.n_epochs) == (whole.n_steps, 2)


@pytest.mark.parametrize("batch_size", [10, 64])
def test_a_slow_source_is_not_waited_for_longer_than_a_step(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.data.streamed_dataset.PATIENCE_SECONDS", 0.0)
    steps: list[int] = []

    class Ahead(Callback):
        def on_progress(self, training: Training) -> None:
            steps.append(training.network.n_steps)

    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)
    whole = fitted(arrays(), batch_size=batch_size, epochs=1, validation=0.2)
    given = {"X": Loader((X, Y), 7)}
    assert_same(whole, fitted(given, batch_size=batch_size, epochs=1, validation=0.2, callbacks=[Ahead()]))
    assert len(steps) > 3


def test_ctrl_c_while_the_source_is_waited_for() -> None:
    def interrupted() -> Iterator[Any]:
        yield X, Y
        time.sleep(0.05)
        _thread.interrupt_main()
        time.sleep(0.3)
        yield X, Y

    _, history = fitted({"X": interrupted}, epochs=1)
    assert history.interrupted


def test_a_source_may_use_the_network() -> None:
    net = network()

    def weighted() -> Iterator[Any]:
        for some, target in Loader((X, Y), 50):
            yield some, target, 1 + net.predict_proba(some)[:, 0]

    fitted({"X": weighted}, net)
    net.evaluate(weighted)


def test_waiting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def slow() -> Iterator[Any]:
        for batch in Loader((X, Y), 50):
            time.sleep(0.002)
            yield batch

    _, history = fitted({"X": slow}, callbacks=[lambda training: told.append(training.status)])
    assert history.wait_share > 0
    assert any("waiting" in text for text in told) == (history.wait_share >= 0.2 or any("waiting" in text for text in told))
    assert fitted(arrays())[1].wait_share == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_middle_is_refused_in_the_child() -> None:
    reports: list[int] = []

    class Forks(Callback):
        pause_every = 1
        child = False

        def on_progress(self, training: Training) -> None:
            if training.network.n_steps == 3:
                process = os.fork()
                if process:
                    reports.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
                else:
                    Forks.child = True

    def forever() -> Iterator[Any]:
        yield from Loader((X, Y), 10)

    try:
        fitted({"X": forever}, epochs=1, callbacks=[Forks()])
    except BusyError as error:
        if Forks.child:
            os._exit(7 if "forked in the middle of reading a stream" in str(error) else 1)
        raise
    finally:
        if Forks.child:
            os._exit(2)
    assert reports == [7]


# ---- memory -----------------------------------------------------------------------------------------------------------------

SCRIPT = """
import resource, sys
import numpy as np, nncore as nn
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def batches(n):
    return ((np.full((10_000, 50), number, np.float32), np.zeros(10_000, int)) for number in range(n))
def fit(*given):
    net = nn.Sequential(nn.Dense(2)).build(50, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    net.fit(*given, epochs=1, progress=False, memory_limit="80 MB", validation=0.1, batch_size=100)
of_files = sys.argv[1] == "parquet"
fit(*(("few.parquet", "y") if of_files else (lambda: batches(1),)))
before = peak()
fit(*(("all.parquet", "y") if of_files else (lambda: batches(200),)))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kilobytes of ru_maxrss")
@pytest.mark.parametrize("name", ["function", "parquet"])
def test_memory_does_not_grow_with_the_stream(name: str, tmp_path: Path) -> None:
    """Memory does not grow with 400 or 200 MB of samples, of which only a buffer and a few blocks are in memory."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    block = pa.table(
        {f"x{i}": column for i, column in enumerate(np.random.default_rng(1).random((50, 50_000), np.float32))}
        | {"y": np.zeros(50_000, np.int8)}
    )
    for file, n in (("few", 1), ("all", 20)):
        with pq.ParquetWriter(tmp_path / f"{file}.parquet", block.schema) as writer:
            for _ in range(n):
                writer.write_table(block)
    done = subprocess.run([sys.executable, "-c", SCRIPT, name], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert int(done.stdout) < 80e6 + 40e6
