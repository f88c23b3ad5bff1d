"""Ensembles of `nncore train`: choice of the model, folds, one file, predictions, and errors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.callbacks.early_stopping import EarlyStopping
from nncore.cli import main
from nncore.cli.bagging import bag_folds, ensemble_text, fit_model, loss_of, model_name, recipe_of, shape_of_ensemble
from nncore.cli.evaluation import evaluate
from nncore.cli.experiment import divide
from nncore.cli.predict import load_with_columns
from nncore.cli.settings import OPTIONS, Settings
from nncore.cli.task import find_task
from nncore.ensembles import FAMILIES, EnsembleModel, NetworkModel
from nncore.errors import DataError, FileFormatError
from nncore.network import load_many, save_many
from nncore.tabular import read_table

QUICK = ["--model", "realmlp", "--hidden", "6", "--epochs", "4", "--n-cv", "3", "--lr", "0.02", "--no-baselines"]


def small(data: Path, target: str, **options: Any) -> Settings:
    usual: dict[str, Any] = {"model": "realmlp", "hidden": (6,), "epochs": 4, "n_cv": 3, "lr": 0.02, "threads": 1}
    return Settings(data=data, target=target, **usual | options)


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Visits of patients: a class that x determines, a patient and a day. 200 rows of 50 patients."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    lines = [f"{value:.3f},p{i % 50},{i},{'yes' if value > 0 else 'no'},{int(i % 5 > 0)}" for i, value in enumerate(x)]
    path = tmp_path / "visits.csv"
    path.write_text("x,patient,day,ill,weight\n" + "\n".join(lines) + "\n")
    return path


# ---- choice of the model ----------------------------------------------------------------------------------------------------


def test_models_are_those_that_there_are() -> None:
    assert OPTIONS["model"].choices == ("auto", "mlp", *FAMILIES)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "realmlp"),
        ({"epochs": 3, "patience": 2, "metric": "accuracy", "class_weight": "balanced"}, "realmlp"),
        ({"hidden": []}, "mlp"),
        ({"sampler": "balanced"}, "mlp"),
        ({"n_ens": 2}, "realmlp"),
        ({"model": "mlp"}, "mlp"),
        ({"model": "realmlp", "dropout": 0.1}, "realmlp"),
    ],
)
def test_the_usual_model(options: dict[str, Any], name: str, data: Path) -> None:
    settings = Settings(data=data, target="species", **options)
    assert model_name(settings, find_task(settings)) == name


def test_few_rows_or_groups_are_left_to_one_network(data: Path, visits: Path) -> None:
    data.write_text("\n".join(data.read_text().splitlines()[:30]) + "\n")
    settings = Settings(data=data, target="species")
    assert model_name(settings, find_task(settings)) == "mlp"
    visits.write_text(visits.read_text().replace(",p1", ",p0").replace(",p2", ",p0").replace(",p3", ",p0"))
    settings = Settings(data=visits, target="ill", group_column="patient")
    assert model_name(settings, find_task(settings)) == "mlp"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "mlp", "--preset", "fast"], "--preset needs --model realmlp or tabm; leave it out, or add"),
        (["--model", "mlp", "--n-cv", "3"], "--n-cv needs --model realmlp"),
        (["--model", "realmlp", "--sampler", "balanced"], "--sampler needs --model mlp"),
        (["--n-ens", "2", "--normalization", "batch_norm"], "--normalization needs --model mlp"),
        (["--preset", "slow"], "--preset must be"),
        (["--model", "realmlp", "--weight-decay", "0.1"], "use --optimizer adamw, or --model mlp"),
        (["--n-cv", "3", "--time-column", "id"], "use --n-ens instead"),
        (["--n-cv", "500"], "n_samples=192 cannot be split into --n-cv 500 folds: use fewer folds"),
    ],
)
def test_what_would_be_ignored_is_refused(options: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", *options]) == 2
    assert message in capsys.readouterr().err


# ---- recipes ----------------------------------------------------------------------------------------------------------------


def test_options_change_the_recipe(data: Path) -> None:
    settings = small(
        data, "species", activation="tanh", dropout=0.2, batch_size=16, patience=0, schedule={"lr": "step"}, clip_norm=1.0,
        optimizer="adamw:beta1=0.8", weight_decay=0.01,
    )  # fmt: skip
    recipe = recipe_of(settings, find_task(settings), 192)
    assert (recipe.n_cv, recipe.hidden_layer_sizes, recipe.max_iter, recipe.batch_size, recipe.clip_norm) == (3, (6,), 4, 16, 1.0)
    assert (recipe.activation, recipe.dropout, recipe.n_iter_no_change) == ({"name": "tanh"}, 0.2, np.inf)
    assert recipe.learning_rate == {"lr": {"name": "step"}}
    assert {"lr": 0.02, "beta1": 0.8, "weight_decay": 0.01}.items() <= recipe.solver.config().items()
    fitted = fit_model(settings, find_task(settings), divide(find_task(settings), settings))
    assert len(fitted.model.networks) == 3


def test_wide_tables_have_no_learned_functions_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).normal(size=(60, 101))
    lines = [",".join(f"{value:.3f}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    settings = Settings(data=path, target="c1", header=False, model="realmlp")
    assert recipe_of(settings, find_task(settings), 60).numerical_embedding is True
    path.write_text("\n".join(f"{line},{i}.5" for i, line in enumerate(lines)) + "\n")
    settings = Settings(data=path, target="c1", header=False, model="realmlp")
    task = find_task(settings)
    recipe = recipe_of(settings, task, 60)
    assert recipe.numerical_embedding is False
    assert recipe_of(settings, task, 100_000).numerical_embedding is False
    assert "no embedding of more than 100 numeric columns" in ensemble_text(
        settings, task, shape_of_ensemble(settings, task, np.arange(60), recipe)
    )
    assert recipe_of(replace(settings, preset="fast"), task, 60).numerical_embedding is True


def test_label_smoothing_is_for_the_usual_loss(data: Path) -> None:
    settings = small(data, "species", preset="td-s")
    task = find_task(settings)
    assert loss_of(settings, task, recipe_of(settings, task, 192)).config()["label_smoothing"] == 0.1
    settings = replace(settings, loss="cross_entropy")
    task = find_task(settings)
    assert loss_of(settings, task, recipe_of(settings, task, 192)) is task.loss


# ---- folds ------------------------------------------------------------------------------------------------------------------


def test_each_row_stops_one_fold(data: Path) -> None:
    settings = small(data, "species", n_ens=2)
    task = find_task(settings)
    rows = divide(task, settings).training
    divided, n_starts = bag_folds(settings, task, rows, recipe_of(settings, task, len(rows)), np.random.default_rng(0))
    assert (len(divided), n_starts, len(rows)) == (3, 2, 192)
    validation = [fold.validation for fold in divided if fold.validation is not None]
    assert sorted(np.concatenate(validation)) == list(range(192))
    assert all(set(fold.train) == set(range(192)) - set(held) for fold, held in zip(divided, validation, strict=True))
    assert task.classes is not None
    shares = [task.classes[rows][held].mean() for held in validation]
    assert max(shares) - min(shares) < 0.03


def test_groups_stay_together_and_times_in_order(visits: Path) -> None:
    settings = small(visits, "ill", group_column="patient")
    task = find_task(settings)
    rows = divide(task, settings).training
    recipe = recipe_of(settings, task, len(rows))
    assert task.row_values.group is not None
    for fold in bag_folds(settings, task, rows, recipe, np.random.default_rng(0))[0]:
        assert not set(task.row_values.group[rows][fold.train]) & set(task.row_values.group[rows][fold.validation])
    settings = small(visits, "ill", time_column="day", n_cv=None, n_ens=3)
    task, recipe = find_task(settings), replace(recipe, n_cv=1, n_ens=3)
    assert task.row_values.time is not None
    (fold,), n_starts = bag_folds(settings, task, rows, recipe, np.random.default_rng(0))
    assert n_starts == 3
    assert task.row_values.time[rows][fold.train].max() < task.row_values.time[rows][fold.validation].min()


def test_one_fold_holds_out_and_too_few_rows_are_refused(data: Path) -> None:
    settings = small(data, "species", n_cv=1, n_ens=2)
    task = find_task(settings)
    (fold,), n_starts = bag_folds(settings, task, np.arange(100), recipe_of(settings, task, 100), np.random.default_rng(0))
    assert (len(fold.train), n_starts) == (80, 2)
    with pytest.raises(DataError, match="use --model mlp"):
        bag_folds(settings, task, np.arange(1), recipe_of(settings, task, 1), np.random.default_rng(0))


def test_rows_of_weight_0_are_not_learnt_from(visits: Path) -> None:
    settings = small(visits, "ill", weight_column="weight", drop=("patient", "day"))
    task = find_task(settings)
    parts = divide(task, settings)
    assert task.row_values.weight is not None
    positive = parts.training[task.row_values.weight[parts.training] > 0]
    both = [fit_model(settings, task, replace(parts, training=rows)) for rows in (parts.training, positive)]
    inputs, _ = both[0].model.inputs(task.table)
    first, second = (one.model.outputs(inputs) for one in both)
    np.testing.assert_allclose(first, second, atol=0.05)  # statistics of columns are of all rows


# ---- training, files and predictions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "target"), [("data", "species"), ("prices", "price")])
def test_a_file_answers_as_the_model_did(table: str, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    data, path = request.getfixturevalue(table), tmp_path / "m.nncore"
    settings = small(data, target, epochs=20)
    task = find_task(settings)
    fitted = fit_model(settings, task, divide(task, settings))
    assert isinstance(fitted.model, EnsembleModel)
    main_score = evaluate(fitted, task).scores["accuracy" if table == "data" else "r2"]
    assert main_score > 0.8
    fitted.model.save(path, {"rows": task.row_columns.to_json()})
    model, _ = load_with_columns(path)
    assert isinstance(model, EnsembleModel)
    read, _ = model.encoder.match(read_table(data))
    inputs, remarks = model.inputs(read)
    np.testing.assert_array_equal(model.outputs(inputs), fitted.model.outputs(inputs))
    assert remarks == []
    assert list(model.predict(read)[:5]) == list(fitted.model.predict(read)[:5])


def test_predict_and_info_take_the_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(model), "--json", "--quiet", *QUICK]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"].items() >= {"model": "realmlp", "networks": 3, "hidden": [6], "outputs": 2}.items()
    assert (found["rows"]["training"], found["rows"]["validation"], found["epochs"]) == (192, 0, 4)
    unknown = tmp_path / "new.csv"
    unknown.write_text("id,name,length,colour,always\n1,x,,blue,7\n2,y,5.1,red,7\n")
    assert main(["predict", str(model), str(unknown), "--proba"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "species,P(daisy),P(rose)"
    assert sum(map(float, lines[1].split(",")[1:])) == pytest.approx(1, abs=1e-5)
    assert "unknown" in captured.err
    assert main(["info", str(model)]) == 0
    shown = capsys.readouterr().out
    assert "3, whose predictions are averaged" in shown
    assert shown.count("dense_1 ") == 1


def test_a_damaged_ensemble_is_refused(data: Path, tmp_path: Path) -> None:
    settings = small(data, "species")
    task = find_task(settings)
    path = tmp_path / "m.nncore"
    fit_model(settings, task, divide(task, settings)).model.save(path, {"rows": task.row_columns.to_json()})
    networks = load_many(path)
    assert isinstance(networks, list)
    encoding = networks[0].encoding
    assert encoding is not None
    for members in ([], encoding["members"][:2], [{}], 3, [{**encoding["members"][0], "target": {"mean": [0], "std": [1]}}] * 3):
        networks[0].encoding = encoding | {"members": members}
        save_many(networks, path)
        with pytest.raises(FileFormatError, match="damaged"):
            load_with_columns(path)
    networks[0].encoding = {name: value for name, value in encoding.items() if name != "members"}
    save_many(networks, path)
    with pytest.raises(FileFormatError, match="damaged"):
        load_with_columns(path)


def test_cross_validation_beside_folds(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--cv", "2", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "fold 2" in shown
    assert "on all rows" in shown


def test_same_seed_same_bits_on_any_number_of_threads(data: Path) -> None:
    settings = small(data, "species")
    task = find_task(settings)
    parts = divide(task, settings)
    one, other = (fit_model(replace(settings, threads=threads), task, parts).model for threads in (1, 2))
    inputs, _ = one.inputs(task.table)
    np.testing.assert_array_equal(one.outputs(inputs), other.outputs(inputs))


def test_time_limit_and_metric(data: Path) -> None:
    settings = small(data, "species", epochs=100_000, patience=0, time_limit=0.5, metric="accuracy")
    task = find_task(settings)
    fitted = fit_model(settings, task, divide(task, settings))
    assert 0 < fitted.n_epochs < 100_000
    assert all("val_accuracy" in history for history in fitted.histories)


def test_ctrl_c_keeps_the_best_so_far(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_epoch_end = EarlyStopping.on_epoch_end

    def interrupting(self: EarlyStopping, training: Any) -> None:
        on_epoch_end(self, training)
        if len(training.history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", interrupting)
    monkeypatch.setattr(EarlyStopping, "epochs_ahead", lambda self, training: 1)
    path = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(path), *QUICK]) == 130
    captured = capsys.readouterr()
    assert "of 4 epochs; each network is from the best epoch so far" in captured.err
    assert "score       accuracy" in captured.out
    assert isinstance(load_with_columns(path)[0], EnsembleModel)


def test_tabm_is_one_network_of_members(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    options = ["--model", "tabm", "--preset", "tabm-mini", "--hidden", "8", "--epochs", "5", "--lr", "0.02", "--schedule", "cosine"]
    assert main(["train", str(data), "--target", "species", "--out", str(model), "--no-baselines", *options]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "tabm, preset tabm-mini: 1 network of 32 members that share weights, validated on 38 rows;" in shown
    assert isinstance(load_with_columns(model)[0], EnsembleModel)
    assert main(["predict", str(model), str(data)]) == 0
    assert "accuracy" in capsys.readouterr().err


def test_one_network_is_a_network_model(data: Path) -> None:
    settings = Settings(data=data, target="species", model="mlp", hidden=(4,), epochs=2)
    task = find_task(settings)
    assert isinstance(fit_model(settings, task, divide(task, settings)).model, NetworkModel)


def test_report_of_an_ensemble(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "r.html"
    assert main(["train", str(data), "--target", "species", "--report", str(page), "--quiet", *QUICK]) == 0
    assert "3 networks, whose predictions are averaged" in page.read_text()
