"""Columns that determine how rows are used: weights, exposures, groups and times, in training, scores and `nncore predict`."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.cli import main
from nncore.cli.experiment import Parts, divide, divide_in_folds, fit, make_encoder, row_weights, targets
from nncore.cli.row_columns import KEY, RowColumns
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task
from nncore.errors import DataError, FileFormatError, ParameterError
from nncore.tabular import RealTarget

QUICK = ["--hidden", "8", "--epochs", "4", "--lr", "0.02", "--no-baselines"]


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """Insurance claims: counts at a rate that depends on x, over years; with a weight, a household, a day and a class. 400 rows."""
    rng, n = np.random.default_rng(0), 400
    x, years = rng.normal(size=n), rng.uniform(0.2, 4, n)
    counts = rng.poisson(np.exp(0.8 * x) * years)
    days = [date(2024, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 300, n)]
    weight, house = rng.integers(0, 4, n), rng.integers(0, 40, n)
    path = tmp_path / "claims.csv"
    rows = zip(x, years, counts, weight, house, days, strict=True)
    path.write_text(
        "x,years,claims,weight,house,day,any\n"
        + "".join(f"{a:.4f},{b:.3f},{c},{w},h{h},{d.isoformat()},{'yes' if c else 'no'}\n" for a, b, c, w, h, d in rows)
    )
    return path


def result(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """The output of --json."""
    capsys.readouterr()
    assert main(["train", *map(str, arguments), "--json", *QUICK]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def column(path: Path, name: str) -> list[str]:
    with path.open() as file:
        return [row[name] for row in csv.DictReader(file)]


def all_parts(task: Task, settings: Settings) -> list[Parts]:
    return [divide(task, settings), *divide_in_folds(task, Settings(**{**vars(settings), "cv": 4}))]


# ---- groups and times -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["claims", "any"])
def test_no_group_is_on_both_sides_of_a_split(target: str, claims: Path) -> None:
    settings = Settings(data=claims, target=target, group_column="house")
    task = find_task(settings)
    houses = np.array(column(claims, "house"))
    for parts in all_parts(task, settings):
        sides = [set(houses[rows]) for rows in (parts.training, parts.validation, parts.test)]
        assert all(sides)
        assert not (sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2])
        assert sum(map(len, (parts.training, parts.validation, parts.test))) == 400
    assert len(divide(task, settings).test) == pytest.approx(80, abs=4)


def test_what_is_later_is_never_learnt_from(claims: Path) -> None:
    settings = Settings(data=claims, target="any", time_column="day")
    task = find_task(settings)
    days = np.array(column(claims, "day"))
    for parts in all_parts(task, settings):
        assert max(days[parts.training]) < min(days[parts.validation])
        assert max(days[parts.validation]) < min(days[parts.test])
    assert max(days) in days[divide(task, settings).test]
    lengths = [len(parts.training) + len(parts.validation) for parts in divide_in_folds(task, Settings(cv=4))]
    assert lengths == sorted(set(lengths))


def test_times_are_numbers_or_dates(tmp_path: Path) -> None:
    def order(cells: list[str]) -> list[int]:
        path = tmp_path / "t.csv"
        path.write_text("t,x,y\n" + "".join(f"{cell},{i % 3},{i % 2}\n" for i, cell in enumerate(cells)))
        time = find_task(Settings(data=path, target="y", time_column="t")).row_values.time
        assert time is not None
        return np.argsort(time, kind="stable").tolist()

    assert order(["10", "9.5", "-1", "100"]) == [2, 1, 0, 3]
    assert order(["2024-02-01", "2023-12-31 23:59", "2024-02-01T00:00:01", "2024-01"]) == [1, 3, 0, 2]
    assert order(["2024-01-01T10:00+02:00", "2024-01-01T09:00Z", "2024-01-01T08:30"]) == [0, 2, 1]
    for cells, message in (
        (["2024-01-01", "31.12.2024"], r"line 3: '31.12.2024' is neither a number nor a date such as 2024-01-31"),
        (["2024-01-01", "5"], "line 3: '5' has another form than the other times"),
        (["5", "5"], "always '5': no row is later than another"),
        (["5", "", "6"], "1 row has no time, the first in line 3; fill it in"),
    ):
        with pytest.raises(DataError, match=message):
            order(cells)


# ---- weights and exposures --------------------------------------------------------------------------------------------------


def test_weights_are_those_of_training_validation_and_score(claims: Path) -> None:
    settings = Settings(data=claims, target="any", weight_column="weight", class_weight={"yes": 2.0}, epochs=2, hidden=(4,))
    task = find_task(settings)
    parts = divide(task, settings)
    weight = np.array(column(claims, "weight"), dtype=float)
    doubled = np.where(np.array(column(claims, "any")) == "yes", 2.0, 1.0)
    found = row_weights(settings, make_encoder(task, parts.training.tolist()), task, parts.training)
    expected = (weight * doubled)[parts.training]
    np.testing.assert_allclose(found, expected / expected.mean())  # type: ignore[arg-type]
    fitted = fit(settings, task, parts)
    X, _ = fitted.encoder.transform(task.table)
    rows = parts.validation
    (network,) = fitted.model.networks
    loss = network.evaluate(X[rows], targets(fitted.encoder, task, rows), sample_weight=weight[rows])["loss"]
    assert loss == pytest.approx(fitted.history["val_loss"].min(), rel=1e-5)


def test_a_weight_is_a_number_of_equal_rows(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, repeated = tmp_path / "m.nncore", tmp_path / "repeated.csv"
    assert main(["train", str(claims), "--target", "claims", "--weight-column", "weight", "--out", str(model), "--quiet", *QUICK]) == 0
    lines = claims.read_text().splitlines(keepends=True)
    counts = map(int, column(claims, "weight"))
    repeated.write_text(lines[0].replace("weight", "w") + "".join(line * n for line, n in zip(lines[1:], counts, strict=True)))
    said = []
    for path in (claims, repeated):
        capsys.readouterr()
        assert main(["predict", str(model), str(path)]) == 0
        said.append(capsys.readouterr().err.rpartition("the file also has 'claims': ")[2].partition(" on ")[0])
    assert said[0] == said[1]


def test_weighted_rates_are_an_offset(claims: Path) -> None:
    """Training rates with exposures as weights has the gradient of training counts with log(exposure) added to the output."""
    settings = Settings(data=claims, target="claims", exposure_column="years", epochs=1, hidden=(4,), patience=0)
    task = find_task(settings)
    fitted = fit(settings, task, divide(task, settings))
    rows = np.arange(400)
    X, _ = fitted.encoder.transform(task.table)
    exposure = task.row_values.exposure
    assert exposure is not None
    target = fitted.encoder.target
    z = fitted.model.networks[0].predict(X)
    rate = targets(fitted.encoder, task, rows)[:, None]
    count = np.array(column(claims, "claims"), dtype=float)[:, None]
    assert isinstance(target, RealTarget)
    scale = target.unit
    with_weights = exposure[:, None] * task.loss.backward(z, rate)
    with_offset = task.loss.backward(z + np.log(exposure[:, None] * scale), count) / scale
    np.testing.assert_allclose(with_weights, with_offset, rtol=1e-4, atol=1e-5)


def test_rates_become_counts_where_there_is_an_exposure(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    found = result(
        capsys,
        claims,
        "--target",
        "claims",
        "--exposure-column",
        "years",
        "--drop",
        "any",
        "--drop",
        "day",
        "--epochs",
        "30",
        "--lr",
        "0.02",
        "--out",
        model,
    )
    assert found["task"] == "regression"
    assert found["row_columns"] == {"weight": None, "exposure": "years", "group": None, "time": None}
    assert found["columns"]["left_out"]["years"] == "exposure of each row"
    assert found["score"]["mean"]["r2"] > 0.4
    lines = [line.split(",") for line in claims.read_text().splitlines()]
    answers = []
    for kept in ((0, 3, 4), (0, 1, 3, 4)):  # without the exposure, and with it
        new = tmp_path / "new.csv"
        new.write_text("".join(",".join(line[i] for i in kept) + "\n" for line in lines))
        assert main(["predict", str(model), str(new)]) == 0
        captured = capsys.readouterr()
        answers.append(np.array(captured.out.split()[1:], dtype=float))
        assert ("no column 'years': predictions are for one unit of 'years'" in captured.err) == (len(kept) == 3)
    np.testing.assert_allclose(answers[1], answers[0] * np.array(column(claims, "years"), dtype=float), rtol=1e-5, atol=1e-5)


# ---- the columns as features ------------------------------------------------------------------------------------------------


def test_the_columns_are_no_features_unless_kept(claims: Path) -> None:
    names = {"weight_column": "weight", "group_column": "house"}
    task = find_task(Settings(data=claims, target="claims", keep=("weight",), **names))  # type: ignore[arg-type]
    assert (task.columns["weight"].kind, task.columns["house"].kind) == ("numeric", "left out")
    assert task.columns["house"].reason == "group of each row"


def test_a_file_remembers_the_columns(claims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    result(capsys, claims, "--target", "any", "--time-column", "day", "--weight-column", "weight", "--drop", "claims", "--out", model)
    encoding = nn.load(model).encoding
    assert encoding is not None
    assert RowColumns.from_json(encoding["notes"]) == RowColumns(weight="weight", time="day")
    new = tmp_path / "new.csv"
    new.write_text("x,years,house\n1.0,2.0,h3\n")
    assert main(["predict", str(model), str(new)]) == 0
    assert len(capsys.readouterr().out.split()) == 2


@pytest.mark.parametrize("described", [[], {"weights": "w"}, {"weight": 3}, "w"])
def test_a_description_from_a_file_is_checked(described: object) -> None:
    with pytest.raises(FileFormatError, match="damaged"):
        RowColumns.from_json({KEY: described})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_column": "claims"}, "--weight-column claims: this is the target"),
        ({"weight_column": "years", "exposure_column": "years"}, "an exposure is already a weight, so use one"),
        ({"group_column": "house", "time_column": "day"}, "split the rows in different ways; use one"),
        ({"exposure_column": "years", "loss": "mse"}, "needs --loss poisson .*, not --loss mse"),
        ({"exposure_column": "years", "task": "classification"}, "not --task classification"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, str], message: str, claims: Path) -> None:
    with pytest.raises(ParameterError, match=message):
        find_task(Settings(data=claims, target="claims", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "cells", "message"),
    [
        ("weight_column", ["1", "-2", "3"], "column 'w', line 3: the weight -2 is below 0"),
        ("weight_column", ["1", "", "3"], "column 'w': 1 row has no weight, the first in line 3"),
        ("weight_column", ["1", "two", "3"], "column 'w', line 3: 'two' is not a finite number"),
        ("exposure_column", ["1", "2", "0"], "column 'w', line 4: the exposure 0 is not above 0"),
        ("group_column", ["a", "a", "a"], "column 'w' has only one group"),
        ("group_column", ["a", "", ""], "column 'w': 2 rows have no group, the first in line 3"),
        ("time_column", ["now", "2", "3"], "column 'w', line 2: 'now' is neither a number nor a date"),
    ],
)
def test_values_that_cannot_be_are_told_with_their_line(option: str, cells: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text("w,x,y\n" + "".join(f"{cell},{i % 2},{i}.5\n" for i, cell in enumerate(cells)))
    with pytest.raises(DataError, match=message):
        find_task(Settings(data=path, target="y", **{option: "w"}))  # type: ignore[arg-type]


def test_a_part_without_weight_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.csv"
    path.write_text("w,x,y\n" + "".join(f"0,{i % 7},{i % 2}\n" for i in range(60)))
    assert main(["train", str(path), "--target", "y", "--weight-column", "w", *QUICK]) == 2
    assert "column 'w' gives" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_told_before_rows_are_read(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(claims), "--target", "any", "--group-column", "hose", *QUICK]) == 2
    assert "no column 'hose'; did you mean 'house'?" in capsys.readouterr().err
