"""Ensembles on streamed samples."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from nncore.data import Stream, StreamBlock
from nncore.errors import DataError, ParameterError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor
from nncore.estimators.ensemble_streams import EnsembleRows
from nncore.plugin import Callback

pa = pytest.importorskip("pyarrow")
ds, csv, parquet = (pytest.importorskip(f"pyarrow.{name}") for name in ("dataset", "csv", "parquet"))

N = 240
FEATURES = ["number", "holes", "level", "many", "day"]

#: Short fits of each kind, with special cases of streams.
REAL: dict[str, Any] = {"random_state": 0, "max_iter": 2, "hidden_layer_sizes": 8, "batch_size": 32}
TAB: dict[str, Any] = {**REAL, "n_members": 3}


def table() -> Any:
    """Columns of every kind, targets and a weight."""
    rng = np.random.default_rng(0)
    number = rng.normal(3, 5, N)
    return pa.table(
        {
            "number": number,
            "holes": pa.array([None if i % 7 == 0 else i for i in range(N)]),
            "level": pa.array([("x", "y", None)[i % 3] for i in range(N)]).dictionary_encode(),
            "many": [f"m{i % 30}" for i in range(N)],
            "day": pa.array(np.arange(N).astype("datetime64[D]")),
            "label": pa.array(np.where(number + rng.normal(0, 2, N) > 3, "yes", "no").tolist()),
            "price": 100 * number + rng.normal(0, 9, N),
            "weight": rng.uniform(0.5, 2, N),
        }
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file of features, labels and weights in one row group."""
    path = tmp_path / "table.parquet"
    parquet.write_table(table().select([*FEATURES, "label", "weight"]), path)
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """A file of features and prices in one row group."""
    path = tmp_path / "prices.parquet"
    parquet.write_table(table().select([*FEATURES, "price"]), path)
    return path


def bits(model: Any) -> np.ndarray:
    return np.concatenate([np.ravel(tensor) for network in model.networks_ for tensor in network.named_parameters().values()])


@pytest.mark.parametrize(
    "model",
    [
        RealMLPClassifier(**REAL, class_weight="balanced"),
        RealMLPClassifier("fast", **REAL, n_cv=3, n_ens=2),
        TabMClassifier(**TAB, numerical_embedding={"n_bins": 4, "n_outputs": 2}, n_refit=1),
    ],
)
def test_a_file_has_the_bits_of_its_table_with_a_limit(model: Any, written: Path) -> None:
    X, y, weight = table().select(FEATURES).to_pandas(), np.array(table()["label"].to_pylist()), table()["weight"].to_numpy()
    of_frame = type(model)(**model.get_params()).set_params(memory_limit="90 MB").fit(X, y, weight)
    model.fit(written, "label", "weight")
    np.testing.assert_array_equal(bits(model), bits(of_frame))
    assert model.validation_scores_ == of_frame.validation_scores_
    assert model.temperature_ == of_frame.temperature_
    assert model.feature_names_in_.tolist() == FEATURES
    np.testing.assert_array_equal(model.predict_proba(written), model.predict_proba(X))
    assert model.score(written, "label", "weight") == pytest.approx(model.score(X, y, weight), abs=1e-12)


@pytest.mark.parametrize("model", [RealMLPRegressor("fast", **REAL, n_cv=2), TabMRegressor(**TAB, loss="mae")])
def test_regression_has_the_bits_of_its_table_with_a_limit(model: Any, prices: Path) -> None:
    X, y = table().select(FEATURES).to_pandas(), table()["price"].to_numpy()
    of_frame = type(model)(**model.get_params()).set_params(memory_limit="90 MB").fit(X, y)
    model.fit(prices, "price")
    np.testing.assert_array_equal(bits(model), bits(of_frame))
    assert model.score(prices, "price") == model.score(X, y)
    assert [members.target.std.item() for members in model._members] == [members.target.std.item() for members in of_frame._members]


def arrays(n: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(1).normal(size=(n, 4))
    return X, np.where(X[:, 0] + X[:, 1] ** 2 > 1, "a", "b")


class Pieces(Stream):
    """Arrays as a stream of pieces of 500 rows, read a few rows at a time."""

    def __init__(self, X: Any, y: Any, at_once: int) -> None:
        self._arrays, self._at_once = (X, y), at_once
        self.n_samples, self.shape, self.bytes_per_row = len(X), (X.shape[1],), 8 * X.shape[1]

    @property
    def piece_rows(self) -> np.ndarray:
        return np.full(self.n_samples // 500, 500)

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        X, y = self._arrays
        for start in range(500 * piece, 500 * piece + 500, step := min(n_rows, self._at_once)):
            rows = slice(start, min(start + step, 500 * piece + 500))
            yield StreamBlock(X[rows], y[rows])


@pytest.mark.parametrize("cls", [RealMLPClassifier, TabMClassifier])
def test_no_bit_depends_on_blocks_or_threads(cls: type) -> None:
    X, y = arrays()
    options = {**(REAL if cls is RealMLPClassifier else TAB), "n_cv": 2}
    found = [cls(**options, n_threads=n_threads).fit(Pieces(X, y, at_once)) for at_once, n_threads in ((500, 1), (7, 2), (64, 1))]
    for other in found[1:]:
        np.testing.assert_array_equal(bits(other), bits(found[0]))
        assert other.validation_scores_ == found[0].validation_scores_


def test_members_learn_as_much_as_members_in_memory() -> None:
    X, y = arrays()
    options: dict[str, Any] = {"random_state": 0, "max_iter": 12, "n_cv": 2}
    streamed = RealMLPClassifier("fast", **options).fit(Pieces(X, y, 100))
    in_memory = RealMLPClassifier("fast", **options).fit(X, y)
    new_X = np.random.default_rng(2).normal(size=(1000, 4))
    new_y = np.where(new_X[:, 0] + new_X[:, 1] ** 2 > 1, "a", "b")
    assert streamed.score(new_X, new_y) > in_memory.score(new_X, new_y) - 0.03
    assert in_memory.score(new_X, new_y) > 0.9
    assert len(streamed.networks_) == len(streamed.histories_) == 2
    assert all(1 <= best <= 12 for best in streamed.best_epochs_)


def test_each_member_is_judged_by_its_fold_and_learns_from_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[Any] = []
    original = EnsembleRows.stream

    def noted(self: Any, part: Any, *how: Any) -> Any:
        stream = original(self, part, *how)
        parts.append((part, stream.n_samples))
        return stream

    monkeypatch.setattr(EnsembleRows, "stream", noted)
    X, y = arrays(500)
    RealMLPClassifier("fast", **REAL, n_cv=4, n_refit=2).fit(Pieces(X, y, 100))
    masks = [part.mask(0, 500) for part, _ in parts[:4]]
    assert [int(mask.sum()) for mask in masks] == [n for _, n in parts[:4]]
    assert all(part.is_rest for part, _ in parts[:4])
    assert (sum(~mask for mask in masks) == 1).all()
    assert parts[4:] == [(None, 500)] * 2


def test_memory_bounds_the_samples_that_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = arrays(500)
    wide = np.repeat(X, 100, axis=1)  # 400 columns: a row takes 6.4 kB with its inputs, and a quarter of 1 MB is available
    seen: list[int] = []
    original = EnsembleRows.divide

    def noted(self: Any, *args: Any, **how: Any) -> Any:
        found = original(self, *args, **how)
        seen.append(len(found[0].matrix))
        return found

    monkeypatch.setattr(EnsembleRows, "divide", noted)
    for limit in ("1 MB", "100 MB"):
        RealMLPClassifier(**{**REAL, "batch_size": 4}, memory_limit=limit).fit(wide, y)
    assert 20 <= seen[0] <= 60
    assert 60 < seen[1] < 140


def test_validation_data_may_be_a_file_or_in_memory(written: Path) -> None:
    X, y = table().select(FEATURES).to_pandas(), np.array(table()["label"].to_pylist())
    weight = table()["weight"].to_numpy()
    of_file = RealMLPClassifier(**REAL, n_ens=2).fit(written, "label", "weight", written, "label", "weight")
    in_memory = RealMLPClassifier(**REAL, n_ens=2).fit(written, "label", "weight", X, y, weight)
    np.testing.assert_array_equal(bits(of_file), bits(in_memory))
    assert of_file.validation_scores_ == in_memory.validation_scores_
    scored = RealMLPClassifier(**REAL, scoring="f1_macro").fit(written, "label", "weight", X, y)
    assert scored.validation_scores_[0] == pytest.approx(f1_score(y, scored.predict(X), average="macro"))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_columns_and_targets_are_those_of_samples_in_memory(loss: str, tmp_path: Path) -> None:
    prices = table().set_column(6, "price", pa.array(np.abs(table()["price"].to_numpy()))).select([*FEATURES, "price", "weight"])
    path = tmp_path / "prices.parquet"
    parquet.write_table(prices, path, row_group_size=50)
    X, y, weight = prices.select(FEATURES).to_pandas(), prices["price"].to_numpy(), prices["weight"].to_numpy()
    streamed, in_memory = (
        RealMLPRegressor(**REAL, n_ens=1, loss=loss).fit(*data, X, y)._members[0] for data in ((path, "price", "weight"), (X, y, weight))
    )
    for name in ("numbers", "hot", "coded"):
        one, other = getattr(streamed.columns, name).arrays(), getattr(in_memory.columns, name).arrays()
        assert one.keys() == other.keys()
        for key, values in one.items():
            np.testing.assert_allclose(values, other[key], rtol=1e-12)
    scales = [members.target.chain.arrays() for members in (streamed, in_memory)]
    assert scales[0].keys() == scales[1].keys()
    for key, values in scales[0].items():
        if loss != "poisson":  # its scale also depends on the trained networks: test_balanced_rates.py
            np.testing.assert_allclose(values, scales[1][key], rtol=1e-12)


def test_filters_and_columns_of_a_dataset_count(written: Path) -> None:
    kept = ds.field("number") > 0
    streamed = TabMClassifier(**TAB).fit(ds.dataset(written).filter(kept), "label", "weight")
    rows = table().filter(kept)
    of_frame = TabMClassifier(**TAB, memory_limit="90 MB").fit(
        rows.select(FEATURES).to_pandas(), np.array(rows["label"].to_pylist()), rows["weight"].to_numpy()
    )
    np.testing.assert_array_equal(bits(streamed), bits(of_frame))
    scanner = ds.dataset(written).scanner(columns=["number", "label"])
    assert RealMLPClassifier(**REAL).fit(scanner, "label").feature_names_in_.tolist() == ["number"]


def test_text_files_and_batches_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    csv.write_csv(table().select([*FEATURES, "label"]), path)
    model = RealMLPClassifier(**REAL).fit(path, "label")
    assert (sorted(model._columns.categories), sorted(model._columns.dates)) == ([2, 3], [4])
    assert len(model.predict(path)) == N
    X, y = arrays(500)

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return ((X[start : start + 90], y[start : start + 90]) for start in range(0, 500, 90))

    assert RealMLPClassifier(**REAL).fit(batches).score(batches) > 0.3


def test_pickles_and_files_give_the_model_back(written: Path, tmp_path: Path) -> None:
    model = RealMLPClassifier("fast", **REAL, n_cv=2, memory_limit="90 MB").fit(written, "label", "weight")
    expected = model.predict_proba(written)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(written), expected)
    model.save(tmp_path / "model.nncore")
    loaded = RealMLPClassifier.load(tmp_path / "model.nncore")
    np.testing.assert_array_equal(loaded.predict_proba(written), expected)
    assert loaded.memory_limit == "90 MB"
    assert loaded.score(written, "label") == model.score(written, "label")


def test_callbacks_hear_of_each_network_and_time_is_limited(written: Path) -> None:
    seen: list[int] = []

    class Watching(Callback):
        def on_epoch_end(self, training: Any) -> None:
            seen.append(training.epoch)

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    options = {**REAL, "callbacks": [Watching()]}
    RealMLPClassifier("fast", **options, n_cv=2).fit(written, "label")
    assert seen == [1, 2, 1, 2]
    short = RealMLPClassifier("fast", **{**REAL, "max_iter": 100_000, "n_iter_no_change": np.inf}, n_cv=2, time_limit=0.5)
    assert short.fit(written, "label").n_iter_ < 100_000


def test_an_interrupted_fit_keeps_the_members_that_had_begun(written: Path) -> None:
    class Interrupting(Callback):
        def on_epoch_end(self, training: Any) -> None:
            if training.epoch == 2:
                raise KeyboardInterrupt

    model = TabMClassifier(**{**TAB, "max_iter": 9}, n_cv=3, callbacks=[Interrupting()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(written, "label")
    assert len(model.networks_) == len(model._members) == len(model.best_epochs_) == len(model.member_orders_) == 1
    assert len(model.predict(written)) == N


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda path: RealMLPClassifier(tune=3).fit(path, "label"), "tune=3 needs all samples in memory"),
        (lambda path: RealMLPClassifier().fit(path, "label", groups=[1]), "groups needs all samples in memory to keep groups together"),
        (lambda path: TabMClassifier().fit(path, "label", times=[1]), "times needs all samples in memory to find the latest samples"),
        (lambda path: TabMClassifier(scoring="f1_macro").fit(path, "label"), "scoring='f1_macro' needs samples in memory"),
        (
            lambda path: RealMLPClassifier(scoring="f1_macro").fit(path, "label", None, path, "label"),
            "scoring='f1_macro' needs samples in memory",
        ),
        (lambda path: RealMLPClassifier("fast", validation_fraction=0.1).fit(path, "label"), "validation_fraction=0.1 would be ignored"),
        (lambda path: RealMLPClassifier(n_cv=3).fit(path, "label", None, path, "label"), "n_cv=3 splits X into folds, but X_val"),
        (lambda path: RealMLPClassifier().fit(path), "y is missing: pass the name of its column"),
        (lambda path: RealMLPClassifier().fit(path, "nothing"), "has no column 'nothing'"),
        (lambda path: RealMLPClassifier().fit(path.with_name("none.csv"), "label"), "there is no file"),
        (lambda path: RealMLPClassifier().fit(iter([arrays()])), "can be iterated only once"),
        (lambda path: RealMLPClassifier(memory_limit=3).fit(path, "label"), "memory_limit"),
        (lambda path: RealMLPClassifier(n_cv=200).fit(path, "label"), "n_cv=200 folds of 240 samples, split by hashes of their numbers"),
        (lambda path: RealMLPClassifier(validation_fraction=0.0).fit(path, "label"), "validation_fraction=0 of 240 samples"),
        (lambda path: RealMLPRegressor(loss="poisson").fit(path, "weight", exposure=[1.0]), "pass a column of rates, counts / exposure"),
        (lambda path: RealMLPClassifier(class_weight={"yes": 0, "no": 0}).fit(path, "label"), "all training samples have weight 0"),
    ],
)
def test_what_cannot_be_is_refused(fit: Callable[[Path], Any], message: str, written: Path) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        fit(written)


def test_nothing_is_read_before_it_is_refused() -> None:
    class Unread(Pieces):
        def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
            raise AssertionError("it was read")

    stream = Unread(*arrays(500), 10)
    for model, more in (
        (RealMLPClassifier(tune=2), {}),
        (RealMLPClassifier(), {"groups": [1]}),
        (TabMClassifier(), {"times": [1]}),
        (RealMLPClassifier("fast", validation_fraction=0.1), {}),
        (RealMLPClassifier(scoring="f1_macro"), {}),
    ):
        with pytest.raises(ParameterError):
            model.fit(stream, **more)


def test_predictions_and_scores_need_samples_and_targets(written: Path, prices: Path) -> None:
    model = RealMLPRegressor(**REAL).fit(prices, "price")
    with pytest.raises(ParameterError, match="y is missing: pass the name of its column"):
        model.score(prices)
    with pytest.raises(ParameterError, match="score needs the predictions for all"):
        model.set_params(memory_limit=10**6)._score_of_blocks(Huge())
    empty = table().slice(0, 0).select([*FEATURES, "price"])
    for fitted in (model, RealMLPRegressor(**REAL, loss="gaussian_nll").fit(prices, "price")):
        with pytest.raises(DataError, match="has no samples"):
            fitted.score(ds.dataset(empty), "price")
        assert np.isfinite(fitted.score(prices, "price"))


class Huge(Stream):
    """A stream that repeats the same rows."""

    n_samples, shape, bytes_per_row = 10**9, (len(FEATURES),), 40

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        X, y = table().select(FEATURES).to_pandas(), table()["price"].to_numpy()
        while True:
            yield StreamBlock(X, y)


FIT = """
import resource, sys, numpy as np, pyarrow as pa, pyarrow.parquet as parquet
from nncore.estimators import RealMLPClassifier
path = sys.argv[1]
rng = np.random.default_rng(0)
names = [f"x{i}" for i in range(20)]
with parquet.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names] + [("level", pa.string()), ("y", pa.int64())])) as file:
    for _ in range(40):
        X = rng.normal(size=(50_000, 20))
        columns = [*X.T, pa.array(rng.choice(["a", "b", "c"], 50_000)), (X[:, 0] > 0).astype(np.int64)]
        file.write_table(pa.table(dict(zip([*names, "level", "y"], columns, strict=True))))
small = {"hidden_layer_sizes": 8, "max_iter": 1, "n_cv": 2, "batch_size": 1000, "numerical_embedding": False}
model = RealMLPClassifier("fast", **small, memory_limit="64 MB")
parquet.read_table(path, columns=["x0"]).slice(0, 10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.fit(path, "y")
assert model.score(path, "y") > 0.8
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """340 MB of numbers, of which a fit in memory would hold more than twice as much."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FIT, str(tmp_path / "large.parquet")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 250


WIDE = """
import resource, sys, numpy as np, pyarrow as pa, pyarrow.parquet as parquet
from nncore.estimators import MLPClassifier, RealMLPClassifier
path = sys.argv[1]
rng = np.random.default_rng(0)
schema = pa.schema([(f"x{i}", pa.float32()) for i in range(600)] + [("y", pa.int64())])
with parquet.ParquetWriter(path, schema, use_dictionary=False) as file:
    for _ in range(70):
        X = rng.normal(size=(1000, 600)).astype(np.float32)
        file.write_table(pa.table([*X.T, (X[:, 0] > 0).astype(np.int64)], schema=schema))
models = {
    "mlp": MLPClassifier(2, max_iter=1, standardize=True),
    "realmlp": RealMLPClassifier("td-s", hidden_layer_sizes=2, max_iter=1, batch_size=1000),
}
parquet.read_table(path, columns=["x0"]).slice(0, 10)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
models[sys.argv[2]].set_params(memory_limit="200 MB").fit(path, "y")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "realmlp"])
def test_memory_does_not_grow_with_the_number_of_columns(model: str, tmp_path: Path) -> None:
    """65,536 rows of 600 columns would take 315 MB, and copies of them much more."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WIDE, str(tmp_path / "wide.parquet"), model], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < (300 if model == "mlp" else 500)
