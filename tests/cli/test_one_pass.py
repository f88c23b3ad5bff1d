"""`nncore train` reads a table larger than memory once before training, with all kinds of columns, models and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.cli import rows_learner, streamed_rows
from nncore.cli.experiment import targets
from nncore.cli.rows_learner import prepared
from nncore.cli.settings import Settings
from nncore.cli.streamed import StreamedTable
from nncore.cli.streamed_division import RowPlaces, is_learnt
from nncore.cli.streaming import Streaming
from nncore.ensembles import InputColumns, TargetScale
from nncore.errors import DataError
from nncore.tabular import read_table, reader, table_files
from tests.each import each

N, KEPT = 600, 100
LIMIT = Streaming(2**28, "as asked")
SHORT: dict[str, Any] = {"hidden": (4,), "epochs": 2, "threads": 1, "batch_size": 64, "stream": True}
MODELS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "mlp without early stopping": {"patience": 0},
    "realmlp": {"model": "realmlp", "n_cv": 2},
    "tabm": {"model": "tabm", "n_cv": 1},
}
COLUMNS = {
    "numbers": ["number", "count"],
    "categories": ["number", "level", "many"],
    "missing values": ["number", "holes", "word"],
    "dates": ["number", "day"],
    "everything": ["count", "number", "holes", "word", "level", "many", "day", "years", "weight"],
}


def cells() -> dict[str, list[str]]:
    """Columns of every kind. Some rows have no class."""
    rng = np.random.default_rng(0)
    number = rng.normal(3, 5, N)
    return {
        "count": [str(i) for i in range(N)],
        "number": [f"{one:.3f}" for one in number],
        "holes": ["" if i % 7 == 0 else str(i % 50) for i in range(N)],
        "word": ["NA" if i % 5 == 0 else f"{i % 9}.5" for i in range(N)],
        "level": ["xyz"[i % 3] for i in rng.permutation(N)],
        "many": [f"m{i % 30}" for i in rng.permutation(N)],
        "day": [str(np.datetime64("2020-01-01") + int(i)) for i in rng.integers(0, 400, N)],
        "years": [f"{one:.2f}" for one in rng.uniform(0.5, 2, N)],
        "weight": [str(1 + i % 3) for i in range(N)],
        "label": ["" if i % 40 == 3 else "yes" if one > 3 else "no" for i, one in enumerate(number + rng.normal(0, 2, N))],
        "price": [f"{100 + one:.1f}" for one in number],
        "claims": [str(one) for one in rng.poisson(2, N)],
    }


def write(path: Path, names: list[str], changes: dict[tuple[str, int], str] | None = None) -> Path:
    """Write some columns to a file, or to several in a folder. `changes` replaces cells."""
    found = {name: list(own) for name, own in cells().items() if name in names}
    for (name, row), text in (changes or {}).items():
        found[name][row] = text
    lines = [",".join(row) for row in zip(*found.values(), strict=True)]
    header = ",".join(found)
    if path.suffix == ".csv":
        path.write_text("\n".join([header, *lines]) + "\n")
    elif not path.suffix:
        path.mkdir()
        for part in range(3):
            (path / f"{part}.csv").write_text("\n".join([header, *lines[part * 200 : (part + 1) * 200]]) + "\n")
    else:
        pa, csv = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.csv")
        table = csv.read_csv(
            pa.BufferReader("\n".join([header, *lines]).encode()), convert_options=csv.ConvertOptions(null_values=["", "NA"])
        )
        writers = {".parquet": ("pyarrow.parquet", "write_table"), ".feather": ("pyarrow.feather", "write_feather")}
        module, name = writers[path.suffix]
        getattr(pytest.importorskip(module), name)(table, path)
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pieces of files that are read before training, and by which function; few rows stay in memory, and blocks are small."""
    found: list[str] = []
    some, chosen = table_files.read_some, streamed_rows.chosen_blocks

    def noted_some(paths: Any, *args: Any) -> Any:
        found.extend(["drawn"] * len(paths))
        return some(paths, *args)

    monkeypatch.setattr(table_files, "read_some", noted_some)
    monkeypatch.setattr(streamed_rows, "chosen_blocks", lambda *args: found.append("learned") or chosen(*args))
    monkeypatch.setattr(streamed_rows, "KEPT", KEPT)
    monkeypatch.setattr(reader, "BLOCK_ROWS", 64)
    return found


def before_training(read: list[str], settings: Settings) -> float:
    """Train, and return how often the file was read before."""
    read.clear()
    table = StreamedTable(settings, LIMIT)
    table.fit(table.parts[0])
    return len(read) / len(table.files.pieces)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_table_is_read_once(tmp_path: Path, read: list[str], kind: str) -> None:
    suffixes = [".csv", ".parquet", ".feather", ""] if kind == "everything" else [".csv"]

    @each("suffix", suffixes)
    def check(suffix: str) -> None:
        path = write(tmp_path / f"t{suffix}", [*COLUMNS[kind], "label", "price"])
        for target in ("label", "price"):
            other = "price" if target == "label" else "label"
            for name, model in MODELS.items():
                settings = Settings(data=path, target=target, drop=[other], **SHORT | model)
                assert before_training(read, settings) == 1, (target, name)

    check()


def test_rates_and_weights_are_learned_in_the_same_pass(tmp_path: Path, read: list[str]) -> None:
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], "claims", "label"])
    rates = {"target": "claims", "exposure_column": "years", "weight_column": "weight", "drop": ["label"]}
    assert before_training(read, Settings(data=path, **rates, **SHORT)) == 1
    assert before_training(read, Settings(data=path, target="label", class_weight="balanced", **SHORT)) == 1


@pytest.mark.parametrize("model", [{}, {"model": "realmlp", "n_cv": 2}], ids=["mlp", "realmlp"])
@pytest.mark.parametrize("options", [{"group_column": "many"}, {"time_column": "day"}, {"cv": 3}], ids=lambda options: "-".join(options))
def test_one_pass_divides_rows_by_groups_and_times_and_one_learns(
    tmp_path: Path, read: list[str], options: dict[str, Any], model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_rows, "KEPT", 400)
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], "label"])
    model = {"model": "realmlp"} if model and "time_column" in options else model  # times have no folds
    assert before_training(read, Settings(data=path, target="label", **SHORT | options | model)) == 2
    assert read == ["drawn", "learned"]


def test_a_tuned_ensemble_learns_once_for_all_members(tmp_path: Path, read: list[str]) -> None:
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], "label"])
    options = SHORT | {"model": "realmlp", "n_cv": 2, "n_refit": 1, "tune": 3}
    table = StreamedTable(Settings(data=path, target="label", **options), LIMIT)
    table.fit(table.parts[0])
    assert read == ["drawn"]
    table.fit(table.parts[0])  # what was learned is freed after a fit
    assert read == ["drawn", "learned"]


def test_rows_that_all_stay_in_memory_are_read_once(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_rows, "KEPT", N)
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], "label"])
    for model in ({"model": "realmlp", "n_cv": 2}, {"group_column": "many"}, {"time_column": "day"}):
        assert before_training(read, Settings(data=path, target="label", **SHORT | model)) == 1


@pytest.mark.parametrize("target", ["label", "price"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_learned_is_what_another_pass_would_learn(
    tmp_path: Path, read: list[str], target: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / f"t{suffix}", [*COLUMNS["everything"], "label", "price"])
    options = {"drop": ["price" if target == "label" else "label"], "class_weight": "balanced" if target == "label" else None}
    settings = Settings(data=path, target=target, model="realmlp", n_cv=2, **SHORT | options)
    once = StreamedTable(settings, LIMIT)
    assert read == ["drawn"]
    monkeypatch.setattr(rows_learner.FirstPass, "learner", lambda self, task, folds: None)
    twice = StreamedTable(settings, LIMIT)
    assert read == ["drawn", "drawn", "learned"]
    one, other = (table.learned(table.parts[0]) for table in (once, twice))
    assert one.sizes == other.sizes
    assert (once.task.n_unlabelled, once.task.n_unread) == (twice.task.n_unlabelled, twice.task.n_unread)
    np.testing.assert_array_equal(one.class_weights, other.class_weights)
    assert [column.name for column in one.encoder.columns] == [column.name for column in other.encoder.columns]
    (X, _), (expected, _) = (encoder.transform(once.task.table) for encoder in (one.encoder, other.encoder))
    np.testing.assert_allclose(X, expected, rtol=1e-6, atol=1e-6)  # rows are in another order
    rows = np.arange(once.task.table.n_rows)
    np.testing.assert_allclose(*(targets(own.encoder, once.task, rows) for own in (one, other)), rtol=1e-6)


@pytest.mark.parametrize("weights", [None, "weight", "classes"])
@pytest.mark.parametrize("target", ["label", "price"])
def test_members_learn_what_their_training_rows_say(tmp_path: Path, read: list[str], target: str, weights: str | None) -> None:
    """Values that are missing, dates, texts of rare levels and weights of 0 are in rows that do not stay in memory."""
    changes = {("weight", row): "0" for row in range(0, N, 3)} | {("day", row): "" for row in range(1, N, 9)}
    changes |= {("level", row): "rare" for row in (7, 350)}
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], target], changes)
    options: dict[str, Any] = {"weight_column": "weight"} if weights == "weight" else {"drop": ["weight"]}
    if weights == "classes" and target == "label":
        options["class_weight"] = {"yes": 0.0, "no": 2.0}
    table = StreamedTable(Settings(data=path, target=target, model="realmlp", n_cv=3, **SHORT | options), LIMIT)
    (parts,) = table.parts
    membership = table.learned(parts).members
    recipe, folds = membership.recipe, membership.folds
    found = table.fit(parts)
    assert read == ["drawn"]

    everything = prepared(table.task, read_table(path))
    numbers = np.flatnonzero(~everything.column(target).is_missing)
    everything = everything.select_rows(numbers)
    matrix = found.encoder.matrix(everything)[0]
    own, weight = replace(table.task, table=everything), np.ones(len(numbers))
    if weights == "weight":
        weight = everything.column("weight").numbers
    elif "class_weight" in options:
        weight = np.where([cell == "no" for cell in everything.column(target)], 2.0, 0.0)
    places = RowPlaces(numbers, everything, own.row_columns, table.settings.seed)
    assert len(found.model.members) == len(folds) == 3
    for members, fold in zip(found.model.members, folds, strict=True):
        rows = np.flatnonzero(is_learnt((*parts.held, fold.held), places, len(numbers)))
        layout, encodings = members.columns.layout, (recipe.number_encodings, recipe.level_encodings)
        expected = InputColumns.learn(layout, matrix[rows], weight[rows], *encodings, rng=0)
        for chain, other in ((members.columns.numbers, expected.numbers), (members.columns.hot, expected.hot)):
            for one, another in zip(chain.learned, other.learned, strict=True):
                assert one.keys() == another.keys()
                for name, array in one.items():
                    np.testing.assert_allclose(array, another[name], rtol=1e-12, err_msg=name)
        if target == "price":
            scale = TargetScale.fit(
                found.encoder.transform_target(everything)[rows], weight[rows], table.task.loss, 1, clips=recipe.clip_target
            )
            for one, another in zip(members.target.chain.learned, scale.chain.learned, strict=True):
                for name, array in one.items():
                    np.testing.assert_allclose(array, another[name], rtol=1e-9, atol=1e-9, err_msg=name)


#: Cells late in the file that change what the first rows suggested, and the number of passes.
SURPRISES: dict[str, tuple[dict[tuple[str, int], str], int]] = {
    "none": ({}, 1),
    "words among numbers": ({("number", row): "wörd" for row in range(300, N, 3)}, 2),
    "constant at first": ({("holes", row): "1" for row in range(300)}, 1),
    "words at first": ({("level", row): "x" for row in range(300)}, 2),
    "another form of dates": ({("day", row): "soon" for row in range(300, N, 2)}, 2),
    "one class at first": ({("label", row): "yes" for row in range(300)}, 2),
    "many rows without a class": ({("label", row): "" for row in range(100, 400)}, 1),
}


@pytest.mark.parametrize("surprise", SURPRISES)
def test_later_rows_may_change_what_the_first_ones_suggest(
    tmp_path: Path, read: list[str], surprise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, passes = SURPRISES[surprise]
    path = write(tmp_path / "t.csv", [*COLUMNS["everything"], "label"], changes)
    settings = Settings(data=path, target="label", **SHORT)
    once = StreamedTable(settings, LIMIT)
    assert read == ["drawn", "learned"][:passes]
    monkeypatch.setattr(rows_learner.FirstPass, "learner", lambda self, task, folds: None)
    twice = StreamedTable(settings, LIMIT)
    assert once.task.columns == twice.task.columns
    (one, _), (other, _) = (table.learned(table.parts[0]).encoder.transform(once.task.table) for table in (once, twice))
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_many_rows_without_a_target_take_another_pass(tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_learner, "MOST_UNLABELLED", 5)
    path = write(tmp_path / "t.csv", [*COLUMNS["numbers"], "label"])
    StreamedTable(Settings(data=path, target="label", **SHORT), LIMIT)
    assert read == ["drawn", "learned"]


def test_a_word_that_the_rows_in_memory_lack_is_an_error_with_its_line(tmp_path: Path, read: list[str]) -> None:
    path = write(tmp_path / "t.csv", ["number", "label"])
    kept = set(StreamedTable(Settings(data=path, target="label", **SHORT), LIMIT).division._places.numbers.tolist())
    row = next(row for row in range(N - 1, 0, -1) if row not in kept and row % 40 != 3)
    write(path, ["number", "label"], {("number", row): "nope"})
    with pytest.raises(DataError, match=rf"column 'number', line {row + 2}: 'nope' is not a finite number"):
        StreamedTable(Settings(data=path, target="label", **SHORT), LIMIT)
