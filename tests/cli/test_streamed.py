"""`nncore train` on tables larger than memory: when tables are read in blocks, the message about it, and equal results."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.cli import baselines, main, streamed_rows, streaming
from nncore.cli.arguments import LEAST_SIZE
from nncore.cli.evaluation import check_metric, evaluate
from nncore.cli.experiment import fit_network, make_encoder, row_weights, targets
from nncore.cli.settings import OPTIONS, Settings
from nncore.cli.streamed import StreamedTable
from nncore.cli.streaming import Streaming, streaming_of
from nncore.cli.task import find_task
from nncore.cli.training_table import WholeTable
from nncore.data import EncodingChain, is_below
from nncore.errors import DataError, NNCoreError, ParameterError
from nncore.network import Sequential

QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 3, "patience": 2, "threads": 1, "batch_size": 16, "stream": True}
LIMIT = Streaming(2**28, "as asked")


def test_small_files_are_read_at_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=data, target="species")
    assert streaming_of(settings) is None
    n_bytes = data.stat().st_size
    monkeypatch.setattr(streaming, "available_memory", lambda: 4 * n_bytes - 1)
    assert "4 times" in streaming_of(settings).why
    assert streaming_of(replace(settings, stream=False)) is None
    assert streaming_of(replace(settings, memory_limit=4 * n_bytes)) is None
    limited = streaming_of(replace(settings, memory_limit=4 * n_bytes - 1))
    assert (limited.limit, limited.why.endswith("--memory-limit allows")) == (4 * n_bytes - 1, True)
    monkeypatch.setattr(streaming, "available_memory", lambda: None)
    assert streaming_of(settings) is None


def test_several_files_are_read_in_blocks(data: Path) -> None:
    assert streaming_of(Settings(data=data.parent, target="species")).why == "several files"
    with pytest.raises(ParameterError, match=r"--no-stream: .* is not a single file"):
        streaming_of(Settings(data=data.parent / "*.csv", target="species", stream=False))
    with pytest.raises(DataError, match="standard input can be read only once"):
        streaming_of(Settings(data=Path("-"), target="species", stream=True))


@pytest.mark.parametrize(
    "more",
    [{}, {"class_weight": "balanced"}, {"weight_column": "id"}, {"loss": "mse", "task": "classification"}],
    ids=lambda more: "-".join(more),
)
def test_training_in_blocks_has_the_bits_of_training_at_once(data: Path, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_rows, "LEARNED", 37)
    settings = Settings(data=data, target="species", sampler="sequential", **QUICK, **more)
    table = StreamedTable(settings, LIMIT)
    (parts,) = table.parts
    found = table.fit(parts)
    task = find_task(settings)
    encoder = make_encoder(task, parts.training)
    assert encoder == found.encoder
    X, _ = encoder.transform(task.table)
    rows = parts.training
    given = X[rows], targets(encoder, task, rows), row_weights(settings, encoder, task, rows)
    expected = fit_network(settings, task, parts, encoder, X[parts.validation], given)
    assert found.n_training == expected.n_training == len(rows)
    if more.keys() & {"class_weight", "weight_column"}:  # which differ by a factor, of which only ratios count
        np.testing.assert_allclose(found.history["loss"], expected.history["loss"], rtol=1e-6)
    else:
        np.testing.assert_array_equal(found.model.network.parameters, expected.model.network.parameters)


def test_rows_are_held_out_by_their_numbers(prices: Path) -> None:
    (parts,) = StreamedTable(Settings(data=prices, target="price", **QUICK), LIMIT).parts
    assert parts.test.tolist() == np.flatnonzero(is_below(np.arange(240), 0.2, 0)).tolist()
    assert sum(map(len, (parts.training, parts.validation, parts.test))) == 240


def test_a_part_of_a_large_table_is_kept(prices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes and statistics are those of all rows, including classes that the kept rows lack."""
    monkeypatch.setattr(baselines, "MOST_EPOCHS", 3)
    monkeypatch.setattr(streamed_rows, "KEPT", 60)
    table = StreamedTable(Settings(data=prices, target="price", **QUICK), LIMIT)
    (parts,), kept = table.parts, table.task.table.n_rows
    assert kept == 60
    assert table.task.n_unread == 240 - kept
    n_training = table.overview(parts).n_training
    assert n_training > 150
    assert n_training + len(parts.validation) + len(parts.test) == 240
    assert sum(block.n_rows for block in table.learnt_blocks(parts.held)) == n_training
    rare = prices.parent / "rare.csv"
    rows = ["x,y", *(f"{i % 7}.5,{'rare' if i == 150 else 'ab'[i % 2]}" for i in range(300))]
    rare.write_text("\n".join(rows) + "\n")
    table = StreamedTable(Settings(data=rare, target="y", task="classification", seed=1, **QUICK), LIMIT)
    found = table.fit(table.parts[0])
    assert found.encoder.target.classes == ("a", "b", "rare")
    assert found.n_epochs
    assert baselines.baselines(table.settings, table.task, [found])["linear"]


# ---- groups, times, exposures and parts of --cv -----------------------------------------------------------------------------


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Counts at a rate that depends on x, over years; with a weight, a household, a day, a class and a city. 300 rows."""
    rng, n = np.random.default_rng(0), 300
    x, years = rng.normal(size=n), rng.uniform(0.2, 4, n)
    counts = rng.poisson(np.exp(0.8 * x) * years)
    days = (np.datetime64("2024-01-01") + rng.integers(0, 200, n)).astype(str)
    others = zip(rng.integers(1, 4, n), rng.integers(0, 30, n), days, rng.integers(0, 3, n), strict=True)
    lines = [
        f"{a:.4f},{b:.3f},{c},{w},h{h},{d},{'yes' if c else 'no'},{'ABC'[k]}"
        for a, b, c, (w, h, d, k) in zip(x, years, counts, others, strict=True)
    ]
    path = tmp_path / "claims.csv"
    path.write_text("x,years,claims,weight,house,day,any,city\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("column", ["house", "day"])
def test_groups_and_times_divide_rows_that_are_not_kept_too(claims: Path, column: str, cv: int | None, monkeypatch: Any) -> None:
    monkeypatch.setattr(streamed_rows, "KEPT", 170)  # the first of four parts of time has 40 rows, enough for early stopping
    use: dict[str, Any] = {"group_column" if column == "house" else "time_column": column}
    table = StreamedTable(Settings(data=claims, target="any", cv=cv, **QUICK, **use), LIMIT)
    tested: list[int] = []
    for parts in table.parts:
        learnt = {value for block in table.learnt_blocks(parts.held) for value in block.column(column)}
        seen, scored = (set(table.task.table.column(column).take(rows)) for rows in (parts.validation, parts.test))
        assert learnt
        assert seen
        assert scored
        if column == "house":
            assert not (learnt & seen | learnt & scored | seen & scored)
        else:
            assert max(learnt) < min(seen) <= max(seen) < min(scored)
        tested += parts.test.tolist()
        assert table.overview(parts).n_training == sum(block.n_rows for block in table.learnt_blocks(parts.held))
    assert len(tested) == len(set(tested))
    if column == "house":
        assert len(tested) == table.task.table.n_rows if cv else 20 < len(tested) < 40


def test_parts_of_a_cross_validation_hold_each_row_out_once(claims: Path) -> None:
    table = StreamedTable(Settings(data=claims, target="any", cv=4, **QUICK), LIMIT)
    assert sorted(row for parts in table.parts for row in parts.test) == list(range(300))
    n_learnt = [sum(block.n_rows for block in table.learnt_blocks(parts.held)) for parts in [*table.parts, table.everything()]]
    assert n_learnt == [*(300 - len(parts.test) - len(parts.validation) for parts in table.parts), 300]


def test_rates_are_those_of_training_at_once(claims: Path) -> None:
    settings = Settings(data=claims, target="claims", exposure_column="years", weight_column="weight", sampler="sequential", **QUICK)
    table = StreamedTable(settings, LIMIT)
    (parts,) = table.parts
    found, task = table.fit(parts), find_task(settings)
    encoder, rows = make_encoder(task, parts.training), parts.training
    np.testing.assert_allclose(found.encoder.target.unit, encoder.target.unit, rtol=1e-12)
    X, _ = encoder.transform(task.table)
    given = X[rows], targets(encoder, task, rows), row_weights(settings, encoder, task, rows)
    expected = fit_network(settings, task, parts, encoder, X[parts.validation], given)
    np.testing.assert_allclose(found.history["loss"], expected.history["loss"], rtol=1e-5)


def test_few_groups_are_dealt_by_their_rows(tmp_path: Path) -> None:
    """One of three groups is held out even if their hashes are close together."""
    path = tmp_path / "few.csv"
    path.write_text("x,g,y\n" + "".join(f"{i % 11}.5,g{i % 3},{'ab'[i % 2]}\n" for i in range(120)))
    for seed in range(5):
        settings = Settings(data=path, target="y", group_column="g", seed=seed, model="realmlp", n_refit=1, **QUICK | {"epochs": 1})
        table = StreamedTable(settings, LIMIT)
        (parts,) = table.parts
        assert len(parts.test) == 40
        assert [len(fold.validation) for fold in table.members(parts).folds] == [40, 40]


# ---- every option -----------------------------------------------------------------------------------------------------------

ENSEMBLE: dict[str, Any] = {"model": "realmlp", "n_cv": 2, "epochs": 2, "patience": None, "batch_size": 64}

#: A value for every option of the command, and the other options with which it makes a difference on rows in blocks.
SEEN: dict[str, tuple[Any, dict[str, Any]]] = {
    "target": ("city", {}),
    "task": ("classification", {"target": "claims", "drop": ["any"]}),
    "drop": (["city"], {}),
    "keep": (["weight"], {"weight_column": "weight"}),
    "categorical": (["weight"], {}),
    "weight_column": ("weight", {"drop": ["weight"]}),
    "exposure_column": ("years", {"target": "claims", "drop": ["years"], "loss": "poisson"}),
    "group_column": ("house", {"drop": ["house"]}),
    "time_column": ("day", {"drop": ["day"]}),
    "missing": (["A"], {}),
    "not_missing": (["NA"], {"target": "city", "missing": []}),
    "header": (False, {}),
    "separator": (";", {}),
    "decimal": (",", {}),
    "model": ("realmlp", {"n_cv": None, "epochs": 1}),
    "preset": ("td-s", ENSEMBLE),
    "n_cv": (3, ENSEMBLE),
    "n_ens": (2, ENSEMBLE),
    "n_refit": (1, ENSEMBLE),
    "tune": (2, ENSEMBLE),
    "search_space": ("paper", ENSEMBLE | {"tune": 2, "seed": 1}),
    "hidden": ([3], {}),
    "activation": ("tanh", {}),
    "normalization": ("batch_norm", {}),
    "dropout": (0.5, {}),
    "loss": ("focal", {}),
    "class_weight": ("balanced", {}),
    "optimizer": ("sgd", {}),
    "lr": (0.1, {}),
    "schedule": ({"lr": "cosine"}, {}),
    "group": ({"*.bias": {"frozen": True}}, {}),
    "sampler": ("sequential", {}),
    "transform": (["gaussian_noise:std=0.1"], {}),
    "weight_decay": (0.5, {}),
    "clip_norm": (1e-3, {}),
    "batch_size": (8, {}),
    "epochs": (1, {}),
    "patience": (0, {}),
    "metric": ("balanced_accuracy", {}),
    "time_limit": (1e-9, {"epochs": 50}),
    "seed": (1, {}),
    "test_fraction": (0.5, {}),
    "cv": (3, {}),
}
#: Options that change nothing that is learned, and the test that covers them.
ELSEWHERE = {
    "data": "test_several_files_are_read_in_blocks",
    "stream": "test_small_files_are_read_at_once",
    "memory_limit": "test_memory_stays_within_the_limit",
    "threads": "test_threads_and_precision_reach_the_fit",
    "precision": "test_threads_and_precision_reach_the_fit",
    "trials_file": "test_the_command_says_so_and_predicts",
    "baselines": "test_the_command_says_so_and_predicts",
    "out": "test_the_command_says_so_and_predicts",
    "report": "test_the_command_says_so_and_predicts",
    "json": "test_the_command_says_so_and_predicts",
    "quiet": "test_the_least_limit_is_enough",
}


def trace(settings: Settings) -> list[Any]:
    """The split, the encoder and the network of a run; or its error message."""
    try:
        table = StreamedTable(settings, LIMIT)
        (parts, *_) = table.parts
        check_metric(table.task, table.parts)
        fitted = table.fit(parts)
    except NNCoreError as error:
        return [str(error)]
    numbers = [network.parameters.tobytes() for network in fitted.model.networks]
    how = [table.task.metric and table.task.metric.name, fitted.search and fitted.search.space]
    return [parts.training.tolist(), parts.test.tolist(), fitted.encoder, len(table.parts), len(numbers), numbers, how]


def test_every_option_has_its_place_here() -> None:
    assert SEEN.keys() | ELSEWHERE.keys() == OPTIONS.keys()
    assert not SEEN.keys() & ELSEWHERE.keys()
    assert all(name in globals() for name in ELSEWHERE.values())


@pytest.mark.parametrize("option", SEEN)
def test_no_option_is_ignored(claims: Path, option: str) -> None:
    value, beside = SEEN[option]
    if option == "not_missing":
        claims.write_text(claims.read_text().replace(",A\n", ",NA\n"))
    settings = Settings(data=claims, **{"target": "any"} | QUICK | beside)
    usual, found = trace(settings), trace(replace(settings, **{option: value}))
    assert len(usual) > 1
    assert found != usual
    assert (len(found) == 1) == (option in ("header", "separator", "decimal"))  # they describe another file format


def test_threads_and_precision_reach_the_fit(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(Sequential, "fit", lambda self, *args, n_threads, precision, **more: asked.append((n_threads, precision)) or 1 / 0)
    for more in ({}, ENSEMBLE):
        table = StreamedTable(Settings(data=claims, target="any", **QUICK | more | {"threads": 3, "precision": "auto"}), LIMIT)
        with pytest.raises(ZeroDivisionError):
            table.fit(table.parts[0])
    assert asked == [(3, "auto"), (3, "auto")]


# ---- ensembles --------------------------------------------------------------------------------------------------------------


def test_each_member_learns_what_its_rows_say(claims: Path) -> None:
    """Each member learns from the rows that its fold does not hold out, with their weights."""
    settings = Settings(data=claims, target="claims", task="regression", weight_column="weight", **QUICK | ENSEMBLE)
    table = StreamedTable(settings, LIMIT)
    (parts,) = table.parts
    found, folds = table.fit(parts), table.members(parts).folds
    matrix, y = found.encoder.matrix(table.task.table)[0], targets(found.encoder, table.task, np.arange(300))
    weights = table.task.row_values.weight
    assert sorted(row for fold in folds for row in fold.validation) == list(range(len(parts.training)))
    for one, fold in zip(found.model.members, folds, strict=True):
        rows = np.delete(parts.training, fold.validation)
        numbers = one.columns.layout.numbers
        expected = EncodingChain.learn(one.columns.numbers.encodings, matrix[rows][:, numbers], sample_weight=weights[rows])
        assert one.columns.numbers == expected
        scaled = one.target.transform(y[rows])
        assert np.average(scaled, weights=weights[rows]) == pytest.approx(0, abs=1e-6)


def test_an_ensemble_is_about_as_good_as_one_of_rows_in_memory(claims: Path) -> None:
    options: dict[str, Any] = {"model": "realmlp", "n_cv": 2, "epochs": 20, "threads": 1, "drop": ["claims"]}
    settings = Settings(data=claims, target="any", **options)
    whole, blocks = WholeTable(settings), StreamedTable(settings, LIMIT)
    one, other = (evaluate(table.fit(table.parts[0]), table.task).scores["roc_auc"] for table in (whole, blocks))
    assert other > one - 0.05
    assert other > 0.7


def test_a_search_is_on_rows_that_are_kept_and_training_on_all(claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_rows, "KEPT", 150)
    table = StreamedTable(Settings(data=claims, target="any", tune=2, n_refit=1, **QUICK | ENSEMBLE), LIMIT)
    (parts,) = table.parts
    found = table.fit(parts)
    assert found.n_training > 2 * len(parts.training) * 0.7
    assert found.search is not None
    assert len(found.search.trials) == 2
    assert found.n_refit == 1
    assert len(found.model.networks) == len(found.search.chosen)


def test_the_least_limit_is_enough(prices: Path) -> None:
    assert main(["train", str(prices), "--target", "price", "--memory-limit", str(LEAST_SIZE), "--stream", "--epochs", "1", "--quiet"]) == 0


def test_the_command_says_so_and_predicts(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "MOST_EPOCHS", 3)
    model = tmp_path / "m.nncore"
    report, trials = tmp_path / "r.html", tmp_path / "t.nncore"
    options = ["--target", "species", "--stream", "--epochs", "4", "--n-cv", "2", "--tune", "2", "--out", str(model), "--json"]
    assert main(["train", str(data), *options, "--report", str(report), "--trials-file", str(trials)]) == 0
    out, err = capsys.readouterr()
    assert "as asked: rows are read in blocks, in at most" in err
    assert "rows in memory; the best are then trained on all rows" in err
    assert "rows a second" in err
    assert "a linear model: accuracy" in err
    assert report.stat().st_size > 10_000
    assert trials.is_file()
    found = json.loads(out)
    assert found["rows"]["in_file"] == 240
    assert sum(found["rows"][name] for name in ("training", "validation", "held_out")) == 240
    assert main(["predict", str(model), str(data), "--out", str(tmp_path / "answers.csv")]) == 0


PROGRAM = """
import resource, sys
from nncore.cli import main
import nncore.network, nncore.callbacks.early_stopping, nncore.layers.embedding, nncore.optimizers.adam
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_stays_within_the_limit(kind: str, tmp_path: Path) -> None:
    """Memory stays within the limit for a file of 120 MB, which takes 0.4 GB as a whole."""
    path, rng, n = tmp_path / "large.csv", np.random.default_rng(0), 100_000
    X, city, day = rng.normal(size=(n, 3)), rng.integers(0, 30, n), rng.integers(0, 1000, n)
    y = np.where(X[:, 0] + city % 3 > 1, "yes", "no")
    days = (np.datetime64("2020-01-01") + day).astype(str)
    rows = zip(X.tolist(), city.tolist(), days.tolist(), y.tolist(), strict=True)
    lines = "".join(f"{a:.5f},{b:.5f},{c:.5f},city{k},{d},{t}\n" for (a, b, c), k, d, t in rows)
    path.write_text("a,b,c,city,day,y\n" + 26 * lines)
    assert path.stat().st_size > 115e6
    if kind == "parquet":
        pandas, path = pytest.importorskip("pandas"), path.with_suffix(".parquet")
        pandas.read_csv(path.with_suffix(".csv")).to_parquet(path, row_group_size=200_000)
    command = [
        "train",
        str(path),
        "--target",
        "y",
        "--memory-limit",
        "256MB",
        "--epochs",
        "1",
        "--hidden",
        "16",
        "--batch-size",
        "4096",
        "--quiet",
    ]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) * 1024 < 256e6
