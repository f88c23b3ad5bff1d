from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore
from nncore._core import native
from nncore.cli import main
from nncore.cli.experiment import divide_in_folds, fit
from nncore.cli.settings import Settings
from nncore.cli.task import find_task
from nncore.cli.train import train

QUICK = ["--hidden", "8", "--epochs", "6", "--lr", "0.02", "--no-baselines"]


def result(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """The output of --json."""
    capsys.readouterr()
    assert main(["train", *map(str, arguments), "--json", *QUICK]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_json_says_everything(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    found = result(capsys, data, "--target", "species", "--out", model)
    assert found.keys() == {
        "data", "target", "task", "classes", "rows", "columns", "row_columns", "notes", "network", "search", "score", "epochs",
        "best_epoch", "stop_reason", "interrupted", "importance", "advice", "files", "seconds", "settings",
    }  # fmt: skip
    assert (found["task"], found["classes"], found["target"]) == ("classification", ["daisy", "rose"], "species")
    assert found["rows"] == {"in_file": 240, "without_target": 0, "training": 163, "validation": 29, "held_out": 48}
    assert found["columns"]["numeric"] == ["length"]
    assert found["notes"] == [f"'NA' is treated as missing in 'length' ({data.read_text().count(',NA,')})"]
    assert found["columns"]["left_out"]["id"] == "counts the rows"
    assert found["network"] == {
        "model": "mlp",
        "preset": None,
        "n_cv": 1,
        "n_ens": 1,
        "n_refit": 0,
        "networks": 1,
        "inputs": 5,
        "hidden": [8],
        "outputs": 2,
        "parameters": 5 * 8 + 8 + 8 * 2 + 2,
    }
    assert found["search"] is None
    assert found["score"]["kind"] == "held out"
    assert found["score"]["rows"] == 48
    assert found["score"]["mean"].keys() == {"accuracy", "balanced_accuracy", "log_loss", "roc_auc"}
    assert found["files"] == {"model": str(model), "report": None}
    assert 0 < found["best_epoch"] <= found["epochs"] == 6
    assert 0 < found["seconds"]["training"] < found["seconds"]["total"]
    assert found["settings"]["lr"] == 0.02
    assert nncore.load(model).parameters.size == found["network"]["parameters"]


def test_json_leaves_standard_output_to_itself(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--json", *QUICK]) == 0
    assert "score       accuracy" in capsys.readouterr().err
    assert main(["train", str(data), "--target", "species", "--json", "--quiet", *QUICK]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out)["score"]["mean"]["accuracy"] > 0.5


def test_json_without_a_score(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, prices, "--target", "price", "--test-fraction", "0")
    assert (found["score"], found["classes"], found["task"]) == (None, None, "regression")


def test_cross_validation(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, data, "--target", "species", "--cv", "4", "--out", tmp_path / "m")
    score = found["score"]
    assert (score["kind"], score["rows"], len(score["folds"])) == ("cross-validation", 240, 4)
    accuracies = [fold["accuracy"] for fold in score["folds"]]
    assert score["mean"]["accuracy"] == pytest.approx(np.mean(accuracies))
    assert score["std"]["accuracy"] == pytest.approx(np.std(accuracies))
    assert found["rows"] == {"in_file": 240, "without_target": 0, "training": 240, "validation": 0, "held_out": 0}
    assert nncore.load(tmp_path / "m").n_epochs == found["epochs"]


def test_cross_validation_in_words(data: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--cv", "3", *QUICK]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("fold ") == 3
    assert " % ± " in shown
    assert "in 3 folds (" in shown
    assert "epochs on all rows, the median best epoch of the folds" in shown
    assert main(["train", str(prices), "--target", "price", "--cv", "3", *QUICK]) == 0
    assert "RMSE" in capsys.readouterr().out


def test_folds_have_the_classes_in_proportion_and_share_no_row(data: Path) -> None:
    settings = Settings(data=data, target="species", cv=5)
    task = find_task(settings)
    assert task.classes is not None
    folds = divide_in_folds(task, settings)
    assert sorted(np.concatenate([parts.test for parts in folds]).tolist()) == list(range(240))
    counts = np.array([np.bincount(task.classes[parts.test]) for parts in folds])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    for parts in folds:
        assert len({*parts.training.tolist(), *parts.validation.tolist(), *parts.test.tolist()}) == 240


def test_class_weight_moves_the_recall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    rare = rng.random(800) < 0.06
    x = rng.normal(size=800) + 1.5 * rare
    data = tmp_path / "rare.csv"
    data.write_text("x,ill\n" + "".join(f"{a:.4f},{'yes' if b else 'no'}\n" for a, b in zip(x, rare, strict=True)))
    plain = result(capsys, data, "--target", "ill")
    assert any("add --class-weight balanced" in text for text in plain["advice"])
    balanced = result(capsys, data, "--target", "ill", "--class-weight", "balanced")
    weighted = result(capsys, data, "--target", "ill", "--class-weight", "yes=15")
    recall = [found["score"]["mean"]["balanced_accuracy"] for found in (plain, balanced, weighted)]
    assert recall[0] == pytest.approx(0.5, abs=0.02)
    assert min(recall[1:]) > 0.6
    assert balanced["advice"] == []


def test_balanced_weights_are_those_of_scikit_learn(data: Path) -> None:
    utils = pytest.importorskip("sklearn.utils")
    from nncore.cli.experiment import make_encoder, row_weights

    settings = Settings(data=data, target="species", class_weight="balanced")
    task = find_task(settings)
    rows = np.arange(50)
    labels = np.array(task.table.column("species"))[rows]
    expected = utils.compute_sample_weight("balanced", labels)
    assert np.allclose(row_weights(settings, make_encoder(task, rows.tolist()), task, rows), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        ["--normalization", "batch_norm"],
        ["--loss", "binary_cross_entropy"],
        ["--loss", "cross_entropy"],
        ["--optimizer", "momentum:momentum=0.8"],
        ["--schedule", "cosine"],
        ["--schedule", "lr=one_cycle", "--schedule", "weight_decay=step:multiplier=0.5"],
        ["--group", "*.bias:weight_decay=0,lr_factor=0.5", "--group", "dense_1.weight:lr_factor=2"],
        ["--sampler", "balanced"],
        ["--transform", "gaussian_noise:std=0.1", "--transform", "mixup"],
        ["--metric", "accuracy"],
        ["--threads", "1", "--batch-size", "16"],
        ["--clip-norm", "1.0"],
        ["--precision", "auto"],
    ],
)
def test_options_that_change_training(options: list[str], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, data, "--target", "species", *options)
    assert found["score"]["mean"]["accuracy"] > 0.7


def test_options_reach_the_network(data: Path, tmp_path: Path) -> None:
    settings = Settings(
        data=data, target="species", hidden=(6, 5), normalization="batch_norm", activation="tanh", dropout=0.0, epochs=2,
        optimizer="sgd", lr=0.25, weight_decay=0.5, metric="accuracy", schedule={"lr": "cosine", "weight_decay": "flat_cosine:flat=0.3"},
        group={"*.bias": {"lr_factor": 0.5}}, sampler="balanced",
        transform=("gaussian_noise:std=0.1", "mixup"),
    )  # fmt: skip
    task = find_task(settings)
    fitted = fit(settings, task, divide_in_folds(task, Settings(cv=3))[0])
    (network,) = fitted.model.networks
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["Dense", "BatchNorm", "ActivationLayer", "Dense", "BatchNorm", "ActivationLayer", "Dense"]
    assert [layer.n_outputs for layer in network.layers if isinstance(layer, nncore.Dense)] == [6, 5, 2]
    assert network.optimizer is not None
    assert (network.optimizer.config()["lr"], network.weight_decay) == (0.25, 0.5)
    assert "val_accuracy" in fitted.history
    assert fitted.history["lr"][1] < 0.25
    assert fitted.history["weight_decay"][1] < 0.5
    assert network.groups == {"*.bias": {"lr_factor": 0.5}}
    assert network.n_epochs == 2
    assert network.n_steps == 0, "its file needs no state to resume from"


def test_the_metric_decides_which_epoch_is_kept(data: Path) -> None:
    settings = Settings(data=data, target="species", hidden=(8,), epochs=30, metric="accuracy", patience=30)
    task = find_task(settings)
    fitted = fit(settings, task, divide_in_folds(task, Settings(cv=3))[0])
    assert fitted.best_epoch == fitted.history.best("val_accuracy")


def test_parquet_trains_what_csv_trains(data: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.read_csv(data)
    frame["colour"] = frame["colour"].astype("category")
    frame.to_parquet(tmp_path / "flowers.parquet")
    models = []
    for path in (data, tmp_path / "flowers.parquet"):
        out = tmp_path / f"{path.suffix}.nncore"
        assert main(["train", str(path), "--target", "species", "--out", str(out), "--quiet", *QUICK]) == 0
        models.append(nncore.load(out))
    assert np.array_equal(models[0].parameters, models[1].parameters)


def test_config_and_save_config(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, saved = tmp_path / "train.toml", tmp_path / "saved.toml"
    config.write_text('target = "species"\n[network]\nhidden = [8]\n[training]\nepochs = 2\n')
    assert main(["train", str(data), "--config", str(config), "--save-config", str(saved), "--quiet", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["epochs"] == 2
    assert main(["train", "--config", str(saved)]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["score"], again["settings"]) == (first["score"], first["settings"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,species\n", "a line of column names and no rows"),
        (b"a,species\n1,caf\xe9\n", "is not UTF-8: line 2 holds the byte 0xe9"),
        (b"\x1f\x8b\x08\x00rest", "damaged or cut off"),
        (b"PAR1\x15rest", "damaged or cut off"),
        (b"a,species\n1,x\n2\n", "line 3 has 1 values where the header has 2"),
        (b"a,b\n1,2\n", "has no column 'species'"),
        (b"a,species\n1,x\n2,x\n", "is always 'x': there is nothing to predict"),
        (b"a,species\n1,\n2,x\n", "has 1 rows with a value for 'species'"),
    ],
)
def test_a_bad_file_is_one_sentence(content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content.startswith(b"PAR1"):
        pytest.importorskip("pyarrow")
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert main(["train", str(path), "--target", "species"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nncore: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_precision_reaches_the_fit_and_is_refused_at_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr("nncore.network.preparing.chosen_precision", lambda *given: asked.append(given[0]) or "float32")
    options = ["train", str(data), "--target", "species", "--epochs", "2"]
    assert main([*options, "--model", "mlp", "--precision", "auto"]) == 0
    assert asked == ["auto", None]  # the second is the linear model beside it
    assert main([*options, "--model", "tabm", "--precision", "auto", "--no-baselines"]) == 0
    assert set(asked[2:]) == {"auto"}
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    capsys.readouterr()
    assert main(["train", "nowhere.csv", "--target", "species", "--precision", "bfloat16"]) == 2  # before the file is read
    assert "precision='bfloat16' needs a processor with AVX512_BF16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--class-weight", "violet=2"], "has no class 'violet'; it has 'daisy', 'rose'"),
        (["--loss", "softmax_cross_entrpy"], "did you mean"),
        (["--loss", "mse:alpha=1"], "alpha"),
        (["--schedule", "cosinus"], "did you mean"),
        (["--schedule", "weight_dekay=cosine"], "no number 'weight_dekay' that a schedule could change: did you mean 'weight_decay'?"),
        (["--group", "dense_9.*:frozen=true"], "no tensor is called 'dense_9.*'"),
        (["--group", "*.bias:froze=true"], "has no option 'froze'"),
        (["--sampler", "balancd"], "did you mean"),
        (["--transform", "mixupp"], "did you mean"),
        (["--transform", "mixup", "--loss", "hinge"], "does not take mixtures"),
        (["--transform", "gaussian_noise:sigma=2"], "sigma"),
        (["--metric", "acuracy"], "did you mean"),
        (["--normalization", "batchnorm"], "did you mean"),
        (["--cv", "300"], "--cv 300: "),
        (["--out", "m", "--report", "m"], "--out and --report are both m"),
        (["--out", "m", "--save-config", "m"], "--out and --save-config are both m"),
        (["--report", "none/r.html"], "--report none/r.html: the folder none does not exist"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "--report" in arguments:
        pytest.importorskip("matplotlib")
    assert main(["train", str(data), "--target", "species", "--quiet", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_the_target_is_neither_dropped_nor_kept(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(data), "--target", "species"]
    assert main([*command, "--drop", "species"]) == 2
    assert "--drop species: this is the target" in capsys.readouterr().err
    assert main([*command, "--drop", "id", "--keep", "id"]) == 2
    assert "--drop id and --keep id contradict each other" in capsys.readouterr().err


def test_mistakes_about_numbers(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(prices), "--target", "price", "--class-weight", "balanced"]) == 2
    assert "is a number and has no classes" in capsys.readouterr().err
    assert main(["train", str(prices), "--target", "price", "--loss", "softmax_cross_entropy"]) == 2
    assert "is for classes" in capsys.readouterr().err
    assert main(["train", str(prices), "--target", "price", "--loss", "gaussian_nll"]) == 2
    assert "needs several outputs for each number" in capsys.readouterr().err
    prices.write_text(prices.read_text() + "10;yes;-3\n")
    assert main(["train", str(prices), "--target", "price", "--loss", "poisson"]) == 2
    assert "column 'price', line 242: -3 is outside [0, inf), which --loss poisson takes" in capsys.readouterr().err
    (prices.parent / "empty").mkdir()
    assert main(["train", str(prices.parent / "empty"), "--target", "price"]) == 2
    assert "is a folder without files" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--cv", "1"], ["--class-weight", "rose"], ["--loss", "huber:"], ["--time-limit", "0"], ["--hidden", "a"]]
)
def test_wrong_usage(options: list[str], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["train", str(data), "--target", "species", *options])
    assert exit_.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_ctrl_c_between_the_parts_writes_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nncore.callbacks.early_stopping import EarlyStopping

    def interrupting(self: EarlyStopping, training: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", interrupting)
    assert main(["train", str(data), "--target", "species", "--cv", "3", "--out", str(tmp_path / "m"), *QUICK]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    data = tmp_path / "noise.csv"
    data.write_text("x,y\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in rng.normal(size=(200, 2))))
    found = result(capsys, data, "--target", "y", "--seed", "1")
    assert any("no better than that of a constant prediction" in text for text in found["advice"])
    data.write_text("x,y\n" + "".join(f"{a:.4f},{3 * a:.4f}\n" for a in rng.normal(size=400)))
    found = result(capsys, data, "--target", "y")
    assert found["advice"] == ["the network was still improving when training ended: try --epochs 12"]


def test_the_command_needs_no_scikit_learn(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert train(Settings(data=data, target="species", epochs=1, quiet=True, hidden=(4,))) == 0


def test_a_category_of_many_levels_gets_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    shops, weather = rng.integers(0, 40, 1200), rng.integers(0, 2, 1200)
    effect = rng.normal(size=40)
    sold = np.exp(effect[shops] + 0.3 * weather)
    data, model = tmp_path / "shops.csv", tmp_path / "m.nncore"
    rows = zip(shops, weather, sold, strict=True)
    data.write_text("shop,weather,sold\n" + "".join(f"shop {s},{'sun' if w else 'rain'},{v:.4f}\n" for s, w, v in rows))
    arguments = ["--hidden", "16", "--epochs", "60", "--lr", "0.01", "--dropout", "0", "--out", str(model)]
    assert main(["train", str(data), "--target", "sold", *arguments]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "shop (40, each a learned vector), weather (2)" in shown
    assert float(shown.split("R² ")[1].split(",")[0]) > 0.9
    network = nncore.load(model)
    assert type(network.layers[0]).__name__ == "Embedding"
    assert network.input_shape == (3,)
    new = tmp_path / "new.csv"
    new.write_text("shop,weather\nshop 1,sun\nshop 99,rain\n,sun\n")
    assert main(["predict", str(model), str(new), "--copy", "shop"]) == 0
    captured = capsys.readouterr()
    assert [line.partition(",")[0] for line in captured.out.splitlines()] == ["shop", "shop 1", "shop 99", ""]
    assert "column 'shop': 2 rows with values that training did not have ('shop 99', missing)" in captured.err


def test_time_limit(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--time-limit", "0.2", "--epochs", "1000000", "--patience", "0", "--test-fraction", "0.2"]
    assert main(["train", str(data), "--target", "species", "--json", "--hidden", "8", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "time limit of 0.2 s" in found["stop_reason"]
    assert 0 < found["epochs"] < 1_000_000


@pytest.mark.parametrize("loss", ["mae", "huber:delta=0.5", "quantile", "poisson"])
def test_losses_of_numbers(loss: str, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--hidden", "8", "--epochs", "60", "--lr", "0.02", "--dropout", "0", "--quiet", "--json"]
    assert main(["train", str(prices), "--target", "price", "--loss", loss, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["score"]["mean"]["r2"] > 0.9


def test_no_probabilities_of_a_loss_without(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    found = result(capsys, data, "--target", "species", "--loss", "hinge", "--out", model)
    assert found["score"]["mean"].keys() == {"accuracy", "balanced_accuracy"}
    assert main(["predict", str(model), str(data), "--proba"]) == 2
    assert "has no probabilities" in capsys.readouterr().err
    assert main(["predict", str(model), str(data)]) == 0


def test_dates_and_declared_categories_are_features(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model = tmp_path / "sales.csv", tmp_path / "m.nncore"
    rng = np.random.default_rng(0)
    days = np.datetime64("2023-01-01") + rng.permutation(400)
    zips = rng.choice(["10115", "1E5", "100000", "02134"], 400)
    sold = (days.astype("datetime64[D]").view("int64") % 7 >= 5) * 10.0 + (zips == "1E5") * 5 + rng.normal(size=400)
    rows = [f"{day},{zip_code},{day},{number:.3f}" for day, zip_code, number in zip(days, zips, sold, strict=True)]
    data.write_text("\n".join(["day,zip,also,sold", *rows]) + "\n")
    found = result(capsys, data, "--target", "sold", "--categorical", "zip", "--drop", "also", "--epochs", "60", "--out", model)
    assert found["columns"]["dates"] == ["day"]
    assert found["columns"]["categorical"] == ["zip"]
    assert found["columns"]["left_out"] == {"also": "as asked"}
    assert found["score"]["mean"]["r2"] > 0.5
    assert main(["predict", str(model), str(data)]) == 0
    capsys.readouterr()
    data.write_text("\n".join(["day,zip", "2024-03-09,1e5", "31.12.2024,10115"]) + "\n")
    assert main(["predict", str(model), str(data)]) == 2
    assert "column 'day', line 3: '31.12.2024' is not a date, year-month-day, as the column's other values are" in capsys.readouterr().err
    data.write_text("\n".join(["day,zip", ",1e5"]) + "\n")
    assert main(["predict", str(model), str(data)]) == 0
    told = capsys.readouterr().err
    assert "column 'day': 1 missing, replaced by the median date of training" in told
    assert "column 'zip': 1 row with a value that training did not have ('1e5')" in told


def test_a_column_is_not_both_dropped_and_a_category(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--drop", "id", "--categorical", "id"]) == 2
    assert "--drop id and --categorical id contradict each other" in capsys.readouterr().err
    assert main(["train", str(data), "--target", "species", "--categorical", "species"]) == 2
    assert "--categorical species: this is the target" in capsys.readouterr().err
