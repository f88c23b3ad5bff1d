"""All that is learned before training is learned in one pass over a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from nncore.contract import SAMPLE_SIZE, row_hashes
from nncore.data import Stream, StreamBlock
from nncore.ensembles import PRESETS, InputColumns, recipe
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.estimators import (
    MLPClassifier,
    MLPRegressor,
    RealMLPClassifier,
    RealMLPRegressor,
    TabMClassifier,
    TabMRegressor,
    ensemble,
    mlp,
)
from nncore.estimators.columns import TableColumns
from nncore.plugin import Callback
from tests.each import each

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
csv, parquet = (pytest.importorskip(f"pyarrow.{name}") for name in ("csv", "parquet"))

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 300
COLUMNS = {
    "numbers": ["number"],
    "numbers and categories": ["number", "level", "many"],
    "missing numbers": ["number", "holes"],
    "dates": ["number", "day"],
    "everything": ["number", "holes", "level", "many", "day"],
}
SHORT: dict[str, Any] = {"random_state": 0, "max_iter": 2, "hidden_layer_sizes": 4, "batch_size": 50}
MODELS = [
    MLPClassifier(**SHORT),
    MLPClassifier(**SHORT, standardize=True, early_stopping=True, class_weight="balanced"),
    MLPRegressor(**SHORT, standardize=True, standardize_target=True, loss="poisson"),
    MLPRegressor(**SHORT, standardize=True, standardize_target=True, early_stopping=True, scoring="r2"),
    *(RealMLPClassifier(preset, **SHORT) for preset in ("td-s", "td")),
    RealMLPClassifier("fast", **SHORT, n_cv=3, class_weight={"yes": 2.0}),
    RealMLPClassifier("td", **SHORT, n_cv=2, n_ens=2, n_refit=1),
    *(RealMLPRegressor(preset, **SHORT) for preset in ("td-s", "td")),
    RealMLPRegressor("fast", **SHORT, n_cv=2),
    TabMClassifier(**SHORT, n_members=2, numerical_embedding={"n_bins": 4, "n_outputs": 2}),
    TabMRegressor(**SHORT, n_members=2, n_cv=2, n_refit=1),
]


def frame() -> Any:
    """Columns of every kind, classes and prices."""
    rng = np.random.default_rng(0)
    number = rng.normal(3, 5, N)
    day = pd.Series(pd.date_range("2020-01-01", periods=N, freq="31h"))
    day[7] = pd.NaT
    return pd.DataFrame(
        {
            "number": number,
            "holes": np.where(np.arange(N) % 7 == 0, np.nan, np.arange(N)),
            "level": [("x", "y", None)[i % 3] for i in range(N)],
            "many": [f"m{i % 30}" for i in range(N)],
            "day": day,
            "label": np.where(number + rng.normal(0, 2, N) > 3, "yes", "no"),
            "price": np.abs(100 * number + rng.normal(0, 9, N)),
        }
    )


def target_of(model: Any) -> str:
    return "label" if "Classifier" in type(model).__name__ else "price"


class Counted:
    """Batches of 64 rows; it counts how often they were begun, and how many rows were read."""

    def __init__(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y, self.n_begun, self.n_rows = X, y, 0, 0

    def __iter__(self) -> Iterator[tuple[Any, np.ndarray]]:
        self.n_begun += 1
        for start in range(0, N, 64):
            rows = slice(start, start + 64)
            self.n_rows += len(self.y[rows])
            yield self.X[rows], self.y[rows]


class Epochs(Callback):
    """Counts the epochs of all networks."""

    def __init__(self) -> None:
        self.n = 0

    def on_epoch_end(self, training: Any) -> None:
        self.n += 1

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def counting(model: Any, **more: Any) -> tuple[Any, Epochs]:
    """The model with a callback that counts epochs."""
    epochs = Epochs()
    return type(model)(**model.get_params(deep=False) | {"callbacks": [epochs], **more}), epochs


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_fit_reads_a_stream_once_and_once_for_each_epoch_of_each_network(kind: str) -> None:
    @each("model", MODELS)
    def check(model: Any) -> None:
        rows = frame()
        batches = Counted(rows[COLUMNS[kind]], rows[target_of(model)].to_numpy())
        counted, epochs = counting(model)
        counted.fit(batches)
        # The first batch tells the form of all.
        assert (batches.n_begun, batches.n_rows) == (2 + epochs.n, 64 + (1 + epochs.n) * N)

    check()


class CountedStream(Stream):
    """Counts what is read of another stream."""

    def __init__(self, raw: Stream) -> None:
        self._raw, self.n_rows = raw, 0
        self.shape, self.n_samples, self.names, self.source = raw.shape, raw.n_samples, raw.names, raw.source
        self.bytes_per_row, self.bytes_a_piece = raw.bytes_per_row, raw.bytes_a_piece

    @property
    def piece_rows(self) -> np.ndarray | None:
        return self._raw.piece_rows

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        for block in self._raw.opened(piece, n_rows):
            self.n_rows += int(block.X.shape[0])
            yield block


@pytest.mark.parametrize("source", ["parquet", "csv", "feather", "npy", "frame", "arrays"])
def test_every_kind_of_stream_is_read_once(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[CountedStream] = []
    for module in (ensemble, mlp):
        original = module.training_stream

        def noted(*args: Any, original: Any = original) -> Any:
            seen.append(CountedStream(original(*args)))
            return seen[-1]

        monkeypatch.setattr(module, "training_stream", noted)

    @each("model", [model for model in MODELS if not (isinstance(model, MLPRegressor) and source == "npy")])
    def check(model: Any) -> None:
        rows, target = frame(), target_of(model)
        features = COLUMNS["everything"] if source not in ("npy", "arrays") else COLUMNS["missing numbers"]
        X, y = rows[features], rows[target].to_numpy()
        table, path = pa.Table.from_pandas(rows[[*features, target]]), tmp_path / f"rows.{source}"
        arguments: Any = (path, target)
        if source == "parquet":
            parquet.write_table(table, path)
        elif source == "csv":
            csv.write_csv(table, path)
        elif source == "feather":
            pytest.importorskip("pyarrow.feather").write_feather(table, path)
        elif source == "npy":
            np.save(path, X.to_numpy())
            arguments = path, y
        else:
            arguments = X if source == "frame" else X.to_numpy(), y
        counted, epochs = counting(model, memory_limit="64 MB")
        counted.fit(*arguments)
        assert seen[-1].n_rows == (1 + epochs.n) * N

    check()


@pytest.mark.parametrize("has_weights", [False, True])
def test_members_learn_what_their_training_rows_in_memory_teach(has_weights: bool) -> None:
    rows = frame()
    X, y = rows[COLUMNS["everything"]], rows["label"].to_numpy()
    weights = np.random.default_rng(1).integers(0, 3, N).astype(float) if has_weights else None

    class Weighted:
        def __iter__(self) -> Iterator[Any]:
            for start in range(0, N, 64):
                own = slice(start, start + 64)
                yield (X[own], y[own]) if weights is None else (X[own], y[own], weights[own])

    @each(
        "model, which",
        [
            (RealMLPClassifier("td", **SHORT, n_cv=3), recipe("td", is_classifier=True)),
            (RealMLPClassifier("td-s", **SHORT, class_weight={"yes": 0.0}), recipe("td-s", is_classifier=True)),
            (TabMClassifier(**SHORT, n_members=2, n_cv=2, quantile_noise=0.0), TabMRecipe(quantile_noise=0.0)),
        ],
    )
    def check(model: Any, which: Any) -> None:
        folds: list[Any] = []
        original = ensemble.EnsembleRows.divide

        def noted(self: Any, layout: Any) -> Any:
            found = original(self, layout)
            folds.extend([*found[1], found[2]])
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ensemble.EnsembleRows, "divide", noted)
            model.fit(Weighted())
        columns = TableColumns()
        matrix = columns.fit_transform(type(model)(), X)
        np.testing.assert_array_equal(columns.has_missing, model._columns.has_missing)
        layout = model._layout_of(model._columns, which)
        of_classes = np.where(y == "yes", (model.class_weight or {}).get("yes", 1.0), 1.0)
        own_weights = of_classes if weights is None else weights * of_classes
        for members, fold in zip(model._members, folds, strict=False):
            train = np.arange(N) if fold.train is None else np.flatnonzero(fold.train.mask(0, N))
            expected = InputColumns.learn(layout, matrix[train], own_weights[train], which.number_encodings, which.level_encodings, rng=0)
            for name in ("numbers", "hot", "coded"):
                assert getattr(members.columns, name) == getattr(expected, name), name

    check()


def test_more_rows_than_wait_are_summarised_for_each_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    n = SAMPLE_SIZE + 35_000
    rng = np.random.default_rng(0)
    day = (1_500_000_000 + 86_400 * rng.integers(0, 3000, n)).astype("datetime64[s]")
    X = pd.DataFrame({"number": rng.normal(size=n), "level": rng.choice(["x", "y", "z"], n), "day": day})
    X.loc[n - 1, "level"] = "rare"
    y, weights = rng.choice(["a", "b", "c"], n, p=[0.5, 0.4, 0.1]), rng.integers(0, 3, n).astype(float)
    found: list[Any] = []

    class Noted(Exception):
        pass

    def noted(rows: Any, layout: Any) -> Any:
        found.append((rows._folds, layout))
        raise Noted

    monkeypatch.setattr(ensemble.EnsembleRows, "divide", noted)
    model = TabMClassifier(**SHORT, n_members=2, n_cv=4, class_weight={"c": 0.0})
    batches = [(X[start : start + 7000], y[start : start + 7000], weights[start : start + 7000]) for start in range(0, n, 7000)]
    with pytest.raises(Noted):
        model.fit(lambda: iter(batches))
    ((statistics, layout),) = found

    def finish(y: Any, sample_weight: Any) -> Any:
        return np.zeros(len(y)), sample_weight

    assert statistics.n_samples == n
    assert statistics.recipe == TabMRecipe().with_arguments(vars(model)).for_rows(n)
    matrix = TableColumns().fit_transform(type(model)(), X)
    counts = (weights > 0) & (y != "c")
    parts = statistics.division.parts
    assert len(parts) == 4
    for number, part in enumerate([*parts, None]):
        learns = np.flatnonzero(counts if part is None else counts & ~part.mask(0, n))
        kept = np.sort(learns[np.argsort(row_hashes(learns))[:SAMPLE_SIZE]])
        summary = statistics.summary(number if part is not None else -1, layout, finish)
        np.testing.assert_array_equal(summary.matrix, matrix[kept])
        np.testing.assert_array_equal(summary.sample_weight, weights[kept])
        for edges, own in ((summary.number_edges, matrix[learns][:, layout.numbers]), (summary.level_edges, layout.levels(matrix[learns]))):
            np.testing.assert_array_equal(np.fmin.reduce(edges), own.min(axis=0))
            np.testing.assert_array_equal(np.fmax.reduce(edges), own.max(axis=0))
    samples, of_folds = statistics.judging(500, finish)
    for part, places in zip(parts, of_folds, strict=True):
        held = np.flatnonzero(part.mask(0, n))
        ranks = row_hashes(held, part.seed) - np.uint64(int(part.begin * 2**64))
        np.testing.assert_array_equal(samples.matrix[places], matrix[np.sort(held[np.argsort(ranks)[:500]])])


@each("which", [*(which for pair in PRESETS.values() for which in pair), TabMRecipe()])
def test_no_recipe_changes_with_more_rows_than_wait(which: Any) -> None:
    assert which.for_rows(SAMPLE_SIZE) == which.for_rows(10**12)


@each("options", [{}, {"early_stopping": True}, {"class_weight": "balanced"}])
def test_sparse_batches_are_read_once(options: dict[str, Any]) -> None:
    X = scipy.sparse.random(N, 30, 0.2, format="csr", random_state=0)
    batches = Counted(X, np.where(X[:, [0]].toarray()[:, 0] > 0, "yes", "no"))
    counted, epochs = counting(MLPClassifier(**SHORT, **options))
    counted.fit(batches)
    assert (batches.n_begun, batches.n_rows) == (2 + epochs.n, 64 + (1 + epochs.n) * N)
