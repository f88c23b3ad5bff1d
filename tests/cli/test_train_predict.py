from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import nncore
from nncore.callbacks.early_stopping import EarlyStopping
from nncore.cli import evaluation, main
from nncore.cli.experiment import batch_size
from nncore.cli.terminal import INDENT
from nncore.tabular.description import from_json

QUICK = ["--hidden", "16", "--epochs", "15", "--lr", "0.02", "--no-baselines"]


def answers(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def unwrapped(text: str) -> str:
    """The report with each label's text on one line, however wide the terminal."""
    return text.replace("\n" + " " * INDENT, " ")


@pytest.fixture
def model(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "flowers.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(path), "--quiet", *QUICK]) == 0
    capsys.readouterr()
    return path


def test_train_says_what_it_found(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", *QUICK]) == 0
    lines = unwrapped(capsys.readouterr().out).replace("left out", "left_out").splitlines()
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert "240 rows, 6 columns, commas, with a header" in shown["file"]
    assert "classification, it is text; 2 classes: daisy" in shown["target"]
    assert shown["numbers"].startswith("length (")
    assert "missing)" in shown["numbers"]
    assert shown["categories"] == "colour (3)"
    assert shown["left_out"] == "id (counts the rows), name (text, 240 different values in 240 rows), always (always 7)"
    assert shown["rows"] == "163 for training, 29 for validation, 48 held out for the score"
    assert shown["network"] == "5 → 16 → 2, relu, dropout 0.1; adam, learning rate 0.02, batches of 32, seed 0"
    accuracy = float(shown["score"].split()[1])
    assert accuracy > 85
    assert "(always 'rose': " in shown["score"]
    assert "add --out MODEL.nncore" in shown["next"]


def test_regression(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model = prices, tmp_path / "prices.nncore"
    arguments = ["--hidden", "none", "--epochs", "60", "--lr", "0.05", "--out", str(model)]
    assert main(["train", str(data), "--target", "price", *arguments]) == 0
    shown = unwrapped(capsys.readouterr().out)
    assert "regression, it has 240 different numbers" in shown
    r2 = float(shown.split("R² ")[1].split(",")[0])
    assert r2 > 0.99
    assert "always the mean" in shown
    assert main(["predict", str(model), str(data)]) == 0
    captured = capsys.readouterr()
    predicted = np.array([float(row["price"]) for row in answers(captured.out)])
    true = np.loadtxt(data, delimiter=";", skiprows=1, usecols=2)
    assert np.abs(predicted - true).mean() < 100
    assert "the file also has 'price': R² 1.000" in captured.err


def test_same_seed_same_result(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{i}.nncore" for i in range(3)]
    for path, seed in zip(paths, "110", strict=True):
        assert main(["train", str(data), "--target", "species", "--quiet", "--seed", seed, "--out", str(path), *QUICK]) == 0
    parameters = [nncore.load(path).parameters for path in paths]
    assert np.array_equal(parameters[0], parameters[1])
    assert not np.array_equal(parameters[0], parameters[2])


def test_quiet_prints_the_score_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--quiet", *QUICK]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("score       accuracy ")
    assert captured.out.count("\n") == 1
    assert captured.err == ""


def test_rows_held_out_do_not_touch_the_encoder(tmp_path: Path, data: Path) -> None:
    """Changing a number in a held-out row changes nothing that the encoder learns."""
    from nncore.cli.experiment import divide
    from nncore.cli.settings import Settings
    from nncore.cli.task import find_task

    arguments = ["train", str(data), "--target", "species", "--quiet", "--out", str(tmp_path / "first"), *QUICK]
    settings = Settings(data=data, target="species")
    held = int(divide(find_task(settings), settings).test[0])
    assert main(arguments) == 0
    lines = data.read_text().splitlines()
    cells = lines[held + 1].rsplit(",", 4)
    lines[held + 1] = ",".join([cells[0], "1e6", "purple", *cells[3:]])
    data.write_text("\n".join(lines) + "\n")
    arguments[-len(QUICK) - 1] = str(tmp_path / "second")
    assert main(arguments) == 0
    first, second = (nncore.load(tmp_path / name) for name in ("first", "second"))
    assert first.metadata == second.metadata
    assert np.array_equal(first.parameters, second.parameters)


def test_predict_keeps_order_and_matches_the_network(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nncore.tabular import read_table

    assert main(["predict", str(model), str(data), "--proba"]) == 0
    rows = answers(capsys.readouterr().out)
    network = nncore.load(model)
    encoder = from_json(network.encoding)
    probabilities = network.predict_proba(encoder.transform(encoder.match(read_table(data))[0])[0])
    assert [row["species"] for row in rows] == [("daisy", "rose")[k] for k in probabilities.argmax(axis=1)]
    shown = np.array([[float(row["P(daisy)"]), float(row["P(rose)"])] for row in rows])
    assert np.array_equal(shown.astype(np.float32), evaluation.as_probabilities(probabilities))  # as they are, not rounded
    # One row more or less changes nothing for the others.
    lines = data.read_text().splitlines()
    data.write_text("\n".join([lines[0], *lines[5:]]) + "\n")
    assert main(["predict", str(model), str(data), "--proba"]) == 0
    assert answers(capsys.readouterr().out) == rows[4:]


def test_predict_by_name_with_notices_on_standard_error(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "new.csv"
    new.write_text("weight,colour,length\n1,pink,6\n2,green,?\n")
    assert main(["predict", str(model), str(new)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:2] == ["species", "rose"]
    assert len(captured.out.splitlines()) == 3
    assert "ignored 'weight'" in captured.err
    assert "1 row with a value that training did not have ('green')" in captured.err
    assert "column 'length'" not in captured.err  # training had missing lengths too
    assert "'?' is treated as missing in 'length' (1)" in captured.err


def test_predict_to_a_file(tmp_path: Path, data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "answers.csv"
    assert main(["predict", str(model), str(data), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"240 rows predicted, written to {out}" in captured.err
    assert "the file also has 'species': accuracy" in captured.err
    assert len(answers(out.read_text())) == 240


def test_target_with_other_labels_is_not_compared(tmp_path: Path, data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text(data.read_text().replace(",rose\n", ",rose.\n"))
    assert main(["predict", str(model), str(data)]) == 0
    assert "not scored, it has classes that training did not have ('rose.')" in capsys.readouterr().err


def test_file_without_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    data, model, new = tmp_path / "data.csv", tmp_path / "m", tmp_path / "new.csv"
    data.write_text("".join(f"{int(a > 0)},{a:.4f},{b:.4f}\n" for a, b in x))
    assert main(["train", str(data), "--target", "c1", "--out", str(model), *QUICK]) == 0
    assert "no header, columns are named c1, c2" in unwrapped(capsys.readouterr().out)
    new.write_text("3.0,0.0\n-3.0,0.0\n")
    assert main(["predict", str(model), str(new)]) == 0
    assert [row["c1"] for row in answers(capsys.readouterr().out)] == ["1", "0"]


def test_decimal_commas(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model, new = prices, tmp_path / "m", tmp_path / "new.csv"
    data.write_text(data.read_text().replace(".", ","))
    assert main(["train", str(data), "--target", "price", "--out", str(model), *QUICK]) == 0
    assert "semicolons, decimal commas" in unwrapped(capsys.readouterr().out)
    new.write_text("area;garden\n100,125;yes\n")  # on its own this could be a thousand
    assert main(["predict", str(model), str(new)]) == 0
    assert 5000 < float(answers(capsys.readouterr().out)[0]["price"]) < 8000


def test_what_stands_for_missing_can_be_said(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model, new = prices, tmp_path / "m", tmp_path / "new.csv"
    head, *lines = data.read_text().splitlines()
    data.write_text("\n".join([head, *lines, ";".join(["not known", *lines[0].split(";")[1:]])]) + "\n")
    command = ["train", str(data), "--target", "price", "--out", str(model), *QUICK]
    assert main(command) == 0
    assert "add --missing 'not known' if they mean missing" in unwrapped(capsys.readouterr().out)
    assert main([*command, "--missing", "not known"]) == 0
    assert "area (1 missing)" in unwrapped(capsys.readouterr().out)
    new.write_text(f"{head.split(';')[0]};garden\nnot known;yes\n")
    assert main(["predict", str(model), str(new)]) == 0
    assert len(answers(capsys.readouterr().out)) == 1


def test_a_column_that_gives_the_target_away_is_noted(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    head, *lines = data.read_text().splitlines()
    data.write_text("\n".join([f"{head},leak", *(f"{line},{'R' if line.endswith('rose') else 'D'}" for line in lines)]))
    assert main(["train", str(data), "--target", "species", *QUICK]) == 0
    assert "leak determines the target exactly; if it is not known when predicting, add --drop leak" in unwrapped(capsys.readouterr().out)
    assert main(["train", str(data), "--target", "species", "--drop", "leak", *QUICK]) == 0
    assert "leak (as asked)" in unwrapped(capsys.readouterr().out)


def test_rows_without_target_are_not_used(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text(data.read_text().replace(",rose\n", ",\n", 3))
    assert main(["train", str(data), "--target", "species", *QUICK]) == 0
    shown = unwrapped(capsys.readouterr().out)
    assert "240 rows" in shown
    assert "3 rows without a target are not used" in shown


def test_no_rows_held_out(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--test-fraction", "0", "--patience", "0", *QUICK]) == 0
    shown = unwrapped(capsys.readouterr().out)
    assert "240 for training, 0 held out" in shown
    assert "no rows were held out" in shown


def test_few_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "xor.csv"
    data.write_text("a,b,xor\n0,0,no\n0,1,yes\n1,0,yes\n1,1,no\n")
    assert main(["train", str(data), "--target", "xor", *QUICK]) == 0
    assert "on 1 rows held out" in unwrapped(capsys.readouterr().out)


def test_ctrl_c_keeps_what_there_is(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_epoch_end = EarlyStopping.on_epoch_end

    def interrupting(self: EarlyStopping, training: object) -> None:
        on_epoch_end(self, training)
        if len(training.history) == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", interrupting)
    monkeypatch.setattr(EarlyStopping, "epochs_ahead", lambda self, training: 1)  # otherwise it sees this epoch only after later ones
    path = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(path), *QUICK]) == 130
    captured = capsys.readouterr()
    assert "interrupted after 2 of 15 epochs; the network is from the best epoch so far" in captured.err
    assert "score       accuracy" in captured.out
    assert nncore.load(path).n_epochs == 2


def test_saving_is_checked_before_training(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ["train", str(data), "--target", "species", *QUICK, "--out"]
    assert main([*train, str(tmp_path / "none" / "m")]) == 2
    assert main([*train, str(data)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0].endswith(
        f"the folder {tmp_path / 'none'} does not exist; create it first (mkdir -p {tmp_path / 'none'})"
    )
    assert "is also an input file" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "specie"], "did you mean 'species'"),
        (["--target", "name"], "too many to be classes"),
        (["--target", "always"], "nothing to predict"),
        (["--target", "species", "--task", "regression"], "regression needs numbers"),
        (["--target", "species", "--drop", "lenght"], "did you mean 'length'"),
        (["--target", "species", "--drop", "length", "--drop", "colour", "--drop", "id"], "no column to learn from"),
        (["--target", "species", "--optimizer", "adan"], "did you mean"),
        (["--target", "species", "--activation", "rely"], "did you mean"),
        (["--target", "species", "--activation", "step"], "no useful derivative"),
        (["--target", "species", "--lr", "-1"], "lr"),
        (["--target", "species", "--weight-decay", "-1"], "weight_decay"),
    ],
)
def test_train_errors(arguments: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), *arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("nncore: error: ")
    assert complaint.count("\n") == 1
    assert message in complaint


def test_predict_errors(tmp_path: Path, data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def complaint(*arguments: object) -> str:
        assert main(["predict", *map(str, arguments)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        return captured.err

    short = tmp_path / "short.csv"
    short.write_text("id,length\n1,2\n")
    assert "lacks the column 'colour', which the network was trained with" in complaint(model, short)
    assert "No such file" in complaint(tmp_path / "none.nncore", data)
    assert "does not begin like a network that nncore saved" in complaint(data, data)
    assert "is also an input file" in complaint(model, data, "--out", model)
    words = tmp_path / "words.csv"
    words.write_text("length,colour\n5,red\nlong,red\n")
    assert "column 'length', line 3: 'long' is not a finite number" in complaint(model, words)


def test_a_network_without_columns_is_refused(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = nncore.Sequential(nncore.Dense(2))
    network.build(3)
    network.save(tmp_path / "plain.nncore")
    assert main(["predict", str(tmp_path / "plain.nncore"), str(data)]) == 2
    assert "does not describe columns" in capsys.readouterr().err


def test_a_network_that_does_not_fit_its_columns_is_refused(
    tmp_path: Path, data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = nncore.Sequential(nncore.Dense(2))
    network.build(3)
    network.encoding = nncore.load(model).encoding
    network.save(tmp_path / "odd.nncore")
    assert main(["predict", str(tmp_path / "odd.nncore"), str(data)]) == 2
    assert "its columns do not fit its network" in capsys.readouterr().err


def test_no_probabilities_of_numbers(tmp_path: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, model = prices, tmp_path / "m"
    assert main(["train", str(data), "--target", "price", "--out", str(model), *QUICK]) == 0
    assert main(["predict", str(model), str(data), "--proba"]) == 2
    assert "--proba: the network predicts the number 'price'" in capsys.readouterr().err


def test_the_description_is_plain_json(model: Path) -> None:
    encoding = nncore.load(model).encoding
    assert json.loads(json.dumps(encoding)) == encoding


def test_batch_size_grows_with_the_rows() -> None:
    assert [batch_size(n) for n in (1, 3_999, 4_000, 40_000)] == [32, 32, 128, 256]
