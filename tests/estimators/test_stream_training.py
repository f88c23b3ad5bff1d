"""Estimators on streamed samples: files, datasets, batches, and data in memory with a limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.errors import DataError, DataWarning, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.plugin import Callback

pa = pytest.importorskip("pyarrow")
ds, csv, parquet = (pytest.importorskip(f"pyarrow.{name}") for name in ("dataset", "csv", "parquet"))

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 300
FEATURES = ["number", "holes", "level", "text", "many", "day", "flag"]


def table() -> Any:
    """Columns of every kind, targets and a weight."""
    rng = np.random.default_rng(0)
    number = rng.normal(3, 5, N)
    return pa.table(
        {
            "number": number,
            "holes": pa.array([None if i % 7 == 0 else i for i in range(N)]),
            "level": pa.array([("x", "y", None)[i % 3] for i in range(N)]).dictionary_encode(),
            "text": [("u", "v")[i % 2] for i in range(N)],
            "many": [f"m{i % 30}" for i in range(N)],
            "day": pa.array(np.arange(N).astype("datetime64[D]")),
            "flag": (rng.uniform(size=N) > 0.5).tolist(),
            "label": pa.array(np.where(number + rng.normal(0, 2, N) > 3, "yes", "no").tolist()),
            "price": 100 * number + rng.normal(0, 9, N),
            "weight": rng.uniform(0.5, 2, N),
        }
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file of features and labels in five row groups."""
    path = tmp_path / "table.parquet"
    parquet.write_table(table().select([*FEATURES, "label"]), path, row_group_size=64)
    return path


def bits(model: Any) -> np.ndarray:
    return np.concatenate([np.ravel(tensor) for tensor in model.network_.named_parameters().values()])


SHORT: dict[str, Any] = {"max_iter": 2, "random_state": 0, "hidden_layer_sizes": 8}


@pytest.mark.parametrize("options", [{}, {"standardize": True, "class_weight": "balanced", "max_one_hot": 0, "dtype": "float32"}])
def test_a_file_has_the_bits_of_its_table_in_memory(options: dict[str, Any], written: Path) -> None:
    X, y = table().select(FEATURES), np.array(table()["label"].to_pylist())
    in_memory = MLPClassifier(**SHORT, shuffle=False, **options).fit(X, y)
    for source in (written, str(written.parent), str(written.parent / "*.parquet"), [written], ds.dataset(written)):
        streamed = MLPClassifier(**SHORT, shuffle=False, **options).fit(source, "label")
        np.testing.assert_array_equal(bits(streamed), bits(in_memory))
        assert streamed.classes_.tolist() == ["no", "yes"]
        assert streamed.feature_names_in_.tolist() == FEATURES
        assert (streamed.n_features_in_, streamed.t_, streamed.loss_curve_) == (7, in_memory.t_, in_memory.loss_curve_)
    np.testing.assert_array_equal(streamed.predict_proba(written), in_memory.predict_proba(X))
    for source in (written, [str(written)], ds.dataset(written)):
        np.testing.assert_array_equal(streamed.predict(source), in_memory.predict(X))
    assert streamed.score(written, "label") == pytest.approx(in_memory.score(X, y), abs=1e-12)


class CountedBatches:
    """Frames of 100 rows with their labels; counts how often iteration begins."""

    def __init__(self, features: list[str]) -> None:
        self.X, self.y, self.passes = table().select(features).to_pandas(), np.array(table()["label"].to_pylist()), 0

    def __iter__(self) -> Iterator[tuple[Any, np.ndarray]]:
        for start in range(0, N, 100):
            yield self.X[start : start + 100], self.y[start : start + 100]
        self.passes += 1


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("features", [["number", "holes"], [name for name in FEATURES if name != "day"], ["number", "day"], FEATURES])
def test_what_is_learned_in_one_pass_has_the_bits_of_arrays(features: list[str], standardize: bool) -> None:
    batches = CountedBatches(features)
    streamed = MLPClassifier(**SHORT | {"max_iter": 1}, shuffle=False, standardize=standardize).fit(batches)
    assert batches.passes == 2, "one is the epoch"
    in_memory = MLPClassifier(**SHORT | {"max_iter": 1}, shuffle=False, standardize=standardize).fit(batches.X, batches.y)
    np.testing.assert_array_equal(bits(streamed), bits(in_memory))


def test_frames_in_memory_go_by_in_blocks_if_memory_is_limited() -> None:
    X, y = table().select(FEATURES).to_pandas(), np.array(table()["label"].to_pylist())
    in_memory = MLPClassifier(**SHORT, shuffle=False, standardize=True).fit(X, y)
    streamed = MLPClassifier(**SHORT, shuffle=False, standardize=True, memory_limit="2 MB").fit(X, y)
    np.testing.assert_array_equal(bits(streamed), bits(in_memory))


def test_regression_with_weights_of_a_column() -> None:
    source = ds.dataset(table().drop_columns("label"))
    X, y, weight = table().select(FEATURES), table()["price"].to_numpy(), table()["weight"].to_numpy()
    options: dict[str, Any] = {"standardize": True, "standardize_target": True, "shuffle": False}
    in_memory = MLPRegressor(**SHORT, **options).fit(X, y, weight)
    streamed = MLPRegressor(**SHORT, **options).fit(source, "price", "weight")
    np.testing.assert_allclose(bits(streamed), bits(in_memory), rtol=1e-9, atol=1e-12)
    assert streamed.score(source, "price", "weight") == pytest.approx(in_memory.score(X, y, weight))


def test_filters_and_columns_of_a_dataset_count(written: Path) -> None:
    kept = ds.field("number") > 3
    streamed = MLPClassifier(**SHORT, shuffle=False).fit(ds.dataset(written).filter(kept), "label")
    X = table().filter(kept)
    in_memory = MLPClassifier(**SHORT, shuffle=False).fit(X.select(FEATURES), np.array(X["label"].to_pylist()))
    np.testing.assert_array_equal(bits(streamed), bits(in_memory))
    scanner = ds.dataset(written).scanner(columns=["number", "label"])
    assert MLPClassifier(**SHORT).fit(scanner, "label").feature_names_in_.tolist() == ["number"]


def test_text_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    csv.write_csv(table().select([*FEATURES, "label"]), path)
    model = MLPClassifier(**SHORT, standardize=True).fit(path, "label")
    assert (sorted(model._columns.categories), sorted(model._columns.dates)) == ([2, 3, 4], [5])
    assert model._columns.categories[2].has_missing
    assert len(model.predict(path)) == N
    assert MLPClassifier(**SHORT).fit(path, "label", None, path, "label").validation_scores_ is not None


def arrays() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)
    return X, np.where(X[:, 0] > 0, "a", "b")


def batches(n: int = 37) -> Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]:
    X, y = arrays()
    return lambda: ((X[start : start + n], y[start : start + n]) for start in range(0, N, n))


def test_batches_have_the_bits_of_arrays(tmp_path: Path) -> None:
    X, y = arrays()
    in_memory = MLPClassifier(**SHORT, shuffle=False, warm_start=True).fit(X, y)
    np.save(tmp_path / "X.npy", X)
    of_batches = MLPClassifier(**SHORT, shuffle=False, warm_start=True).fit(batches())
    for streamed in (of_batches, MLPClassifier(**SHORT, shuffle=False).fit(tmp_path / "X.npy", y)):
        np.testing.assert_array_equal(bits(streamed), bits(in_memory))
        assert streamed.network_.dtype == np.float32
    np.testing.assert_array_equal(of_batches.predict(X[start : start + 9] for start in range(0, N, 9)), in_memory.predict(X))
    np.testing.assert_array_equal(bits(of_batches.fit(batches(50))), bits(in_memory.fit(X, y)))


@pytest.mark.parametrize("shuffle", [True, False])
def test_samples_are_held_out_by_their_number(shuffle: bool, written: Path) -> None:
    options: dict[str, Any] = {"standardize": True, "early_stopping": True, "validation_fraction": 0.2, "shuffle": shuffle}
    model = MLPClassifier(**SHORT, **options).fit(written, "label")
    assert model.validation_scores_ is not None
    assert len(model.validation_scores_) == 2
    assert 200 < model.t_ / 2 < 280
    again = MLPClassifier(**SHORT, **options).fit(ds.dataset(written), "label")
    assert (again.t_, again.validation_scores_) == (model.t_, model.validation_scores_)


def test_callbacks_see_the_fit(written: Path) -> None:
    seen: list[int] = []

    class Watching(Callback):
        def on_epoch_end(self, training: Any) -> None:
            seen.append(training.epoch)

    MLPClassifier(**SHORT, callbacks=[Watching()]).fit(written, "label")
    assert len(seen) == 2


def test_names_of_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "names.parquet"
    parquet.write_table(pa.table({"name": [f"row {i}" for i in range(50)], "x": np.arange(50.0), "y": np.arange(50) % 2}), path)
    with pytest.warns(DataWarning, match=r"column 'name' of X has 50 different texts in 50 rows"):
        MLPClassifier(**SHORT, batch_size=10).fit(path, "y")


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda path: MLPClassifier(solver="lbfgs").fit(path, "label"), "solver='lbfgs' needs all samples at once"),
        (lambda path: MLPClassifier().partial_fit(path, "label"), "partial_fit needs samples in memory"),
        (lambda path: MLPClassifier().fit(path), "y is missing: pass the name of its column"),
        (lambda path: MLPClassifier().fit(path, "nothing"), "has no column 'nothing'"),
        (lambda path: MLPClassifier().fit(path.with_name("none.csv"), "label"), "there is no file"),
        (lambda path: MLPClassifier().fit(path.with_suffix(".xyz"), "label"), "there is no file"),
        (lambda path: MLPClassifier().fit(batches()()), "can be iterated only once"),
        (lambda path: MLPClassifier().fit(batches(), [1, 2]), "leave y out"),
        (
            lambda path: MLPClassifier(early_stopping=True, scoring="f1_macro").fit(path, "label"),
            "scoring='f1_macro' needs validation samples in memory",
        ),
        (lambda path: MLPClassifier(memory_limit=3).fit(path, "label"), "memory_limit"),
        (lambda path: MLPClassifier(early_stopping=True, validation_fraction=0).fit(path, "label"), "needs validation samples"),
    ],
)
def test_what_cannot_be_is_refused(fit: Callable[[Path], Any], message: str, written: Path) -> None:
    with pytest.raises((DataError, ParameterError), match=message):
        fit(written)


def test_a_block_that_cannot_be_taken_is_named(written: Path) -> None:
    def spoilt() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        X, y = arrays()
        yield X[:50], y[:50]
        yield np.where(X[50:90] > 1, np.inf, X[50:90]), y[50:90]

    with pytest.raises(ValueError, match="infinity") as found:
        MLPClassifier(**SHORT).fit(spoilt)
    assert found.value.__notes__ == ["in a block of which row 0 is row 50 of X"]
    model = MLPClassifier(**SHORT).fit(written, "label")
    with pytest.raises(DataError, match=r"lacks the training columns .*'number'"):
        model.predict(ds.dataset(table().select(["holes", "label"])))


FIT = """
import resource, sys, numpy as np, pyarrow as pa, pyarrow.parquet as parquet
from nncore.estimators import MLPClassifier
path = sys.argv[1]
rng = np.random.default_rng(0)
names = [f"x{i}" for i in range(20)]
with parquet.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names] + [("level", pa.string()), ("y", pa.int64())])) as file:
    for _ in range(40):
        X = rng.normal(size=(50_000, 20))
        columns = [*X.T, pa.array(rng.choice(["a", "b", "c"], 50_000)), (X[:, 0] > 0).astype(np.int64)]
        file.write_table(pa.table(dict(zip([*names, "level", "y"], columns, strict=True))))
model = MLPClassifier(8, max_iter=1, batch_size=1000, standardize=True, memory_limit="64 MB", dtype="float32")
small = parquet.read_table(path, columns=["x0"]).slice(0, 10)
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
    assert int(done.stdout) < 200


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_samples_in_memory_have_targets_beside_them(cls: type[Any]) -> None:
    X = np.eye(6)
    with pytest.raises(ValueError, match="requires y to be passed"):
        cls().fit(X)
    model = cls(max_iter=1).fit(X, [0, 1] * 3)
    with pytest.raises(ParameterError, match="y is missing: score"):
        model.score(X)
