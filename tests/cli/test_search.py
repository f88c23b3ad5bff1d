"""``--tune``, ``--search-space``, ``--trials-file`` and ``--n-refit``: trials, files, output and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.callbacks.early_stopping import EarlyStopping
from nncore.cli import main
from nncore.cli.predict import load_with_columns
from nncore.cli.recipes import recipe_of
from nncore.cli.search import search_space, search_text
from nncore.cli.settings import Settings
from nncore.cli.task import find_task
from nncore.tabular import read_table

QUICK = ["--model", "realmlp", "--hidden", "6", "--epochs", "15", "--n-cv", "2", "--no-baselines", "--threads", "1"]


def answers(model: Path, data: Path) -> np.ndarray:
    """Predictions by the model in a file."""
    loaded, _ = load_with_columns(model)
    read, _ = loaded.encoder.match(read_table(data))
    inputs, _ = loaded.inputs(read)
    return loaded.outputs(inputs)


def drawn(data: Path, target: str, **options: Any) -> set[str]:
    """Names of the arguments that a search samples."""
    settings = Settings(data=data, target=target, **{"model": "realmlp", "tune": 3, **options})
    task = find_task(settings)
    return {name.partition("__")[0] for one in search_space(settings, task, recipe_of(settings, task, 100)) for name in one}


# ---- sampled arguments ------------------------------------------------------------------------------------------------------


def test_what_options_say_is_not_drawn(data: Path, prices: Path) -> None:
    everything = drawn(data, "species")
    assert everything >= {"hidden_layer_sizes", "dropout", "learning_rate_init", "weight_decay", "solver", "activation"}
    assert everything - drawn(data, "species", hidden=(4,), dropout=0.1) == {"hidden_layer_sizes", "dropout"}
    assert everything - drawn(data, "species", optimizer="sgd") == {"solver", "learning_rate_init", "weight_decay"}
    of_classes, of_numbers = (drawn(path, target, preset="td") for path, target in ((data, "species"), (prices, "price")))
    assert of_classes - of_numbers == {"label_smoothing"}
    assert "label_smoothing" not in drawn(data, "species", preset="td", loss="cross_entropy")


def test_the_preset_of_tabm_is_not_drawn_if_it_is_said(data: Path) -> None:
    assert drawn(data, "species", model="tabm") - drawn(data, "species", model="tabm", preset="tabm") == {"arch"}


def test_what_is_said_before(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "trials.nncore"
    settings = Settings(data=data, target="species", model="realmlp", tune=3, activation="relu", trials_file=file, time_limit=5.0)
    task = find_task(settings)
    assert search_text(settings, task, recipe_of(settings, task, 100)) == (
        "3 trials: the defaults, and 2 that draw dropout, hidden_layer_sizes, learning_rate_init, numerical_embedding, weight_decay from "
        f"the space small; the best are averaged; 5 s at most; trials are saved to {file}"
    )
    file.touch()
    assert "continues from" in search_text(settings, task, recipe_of(settings, task, 100))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--search-space", "paper"], "--search-space has no effect without --tune"),
        (["--trials-file", "t.nncore"], "--trials-file has no effect without --tune"),
        (["--tune", "time"], "--tune time runs as many trials as --time-limit has room for; add --time-limit SECONDS"),
        (["--tune", "2", "--search-space", "large"], "--search-space must be"),
        (["--tune", "2", "--trials-file", "t.nncore", "--cv", "3"], "holds one search, but --cv 3 runs 4"),
        (["--tune", "2", "--metric", "matthews_corrcoef"], "--tune trains them in parts; use a metric of nncore"),
        (["--tune", "2", "--trials-file", "none/t.nncore"], "--trials-file none/t.nncore: the folder none does not exist"),
        (["--tune", "2", "--model", "mlp"], "--tune needs --model realmlp or tabm"),
        (["--n-refit", "1", "--model", "mlp"], "--n-refit needs --model realmlp or tabm"),
    ],
)
def test_what_is_refused(options: list[str], message: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


# ---- searching --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refit", [0, 1])
@pytest.mark.parametrize(("table", "target"), [("data", "species"), ("prices", "price")])
def test_the_best_are_averaged(
    table: str, target: str, refit: int, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    path, model, report = request.getfixturevalue(table), tmp_path / "m.nncore", tmp_path / "r.html"
    options = ["--tune", "4", "--n-refit", str(refit), "--out", str(model), "--report", str(report), "--json"]
    assert main(["train", str(path), "--target", target, *options, *QUICK]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert "tune        4 trials: the defaults, and 3 that draw" in captured.err
    assert "tune: 4 of 4 trials: round 1/4, " in captured.err
    assert "tuned       4 trials of the space small;" in captured.err
    assert (found["search"]["space"], len(found["search"]["trials"]), found["network"]["n_refit"]) == ("small", 4, refit)
    chosen = [trial for trial in found["search"]["trials"] if trial["weight"]]
    assert found["network"]["networks"] == len(chosen) * (1 if refit else 2)
    assert found["score"]["mean"]["accuracy" if table == "data" else "r2"] > 0.3
    assert np.isfinite(answers(model, path)).all()
    assert "4 trials of the space small, the best first by val_loss" in report.read_text()
    assert main(["info", str(model)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "model realmlp, preset fast: 2 folds × 1 network" in shown
    assert "tuned 4 trials of the space small;" in shown
    assert "--tune 4" in shown


def test_same_seed_same_bits_on_any_number_of_threads(data: Path, tmp_path: Path) -> None:
    models = [tmp_path / "one.nncore", tmp_path / "two.nncore"]
    for model, threads in zip(models, "12", strict=True):
        options = ["--tune", "3", "--quiet", "--out", str(model), *QUICK[:-1], threads]
        assert main(["train", str(data), "--target", "species", *options]) == 0
    np.testing.assert_array_equal(*(answers(model, data) for model in models))


def test_a_search_that_was_broken_off_goes_on_to_the_same_bits(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, model, trials = (tmp_path / f"{name}.nncore" for name in ("whole", "m", "trials"))
    assert main(["train", str(data), "--target", "species", "--tune", "4", "--out", str(whole), *QUICK]) == 0
    command = ["train", str(data), "--target", "species", "--tune", "4", "--out", str(model), "--trials-file", str(trials), *QUICK]
    on_epoch_end, n_epochs = EarlyStopping.on_epoch_end, [0]

    def interrupting(self: EarlyStopping, training: Any) -> None:
        on_epoch_end(self, training)
        n_epochs[0] += 1
        if n_epochs[0] == 12:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(EarlyStopping, "on_epoch_end", interrupting)
        patched.setattr(EarlyStopping, "epochs_ahead", lambda self, training: 1)
        assert main(command) == 130
    told = capsys.readouterr()
    assert (
        f"interrupted in the search, after 4 trials had begun; the ensemble has the best of them; the same command "
        f"continues from {trials}" in told.err
    )
    assert "score       accuracy" in told.out
    assert np.isfinite(answers(model, data)).all()
    assert main(command) == 0
    assert f"continues from {trials}" in " ".join(capsys.readouterr().out.split())
    np.testing.assert_array_equal(answers(model, data), answers(whole, data))
    assert main([*command, "--seed", "1"]) == 2
    assert "to a search with other data or arguments" in capsys.readouterr().err


def test_ctrl_c_while_networks_on_all_rows_are_trained_keeps_those_of_the_folds(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from nncore.ensembles.ensemble_fit import StopAfter

    def interrupting(self: StopAfter, training: Any) -> None:
        if not self.goes_on:
            raise KeyboardInterrupt

    monkeypatch.setattr(StopAfter, "on_epoch_end", interrupting)
    model = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--n-refit", "1", "--out", str(model), *QUICK]) == 130
    assert "interrupted while networks were retrained on all rows; the ensemble has the networks of the folds" in capsys.readouterr().err
    assert len(load_with_columns(model)[0].networks) == 2


def test_as_many_as_there_is_time_for(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--tune", "time", "--time-limit", "0.5", "--json", *QUICK]) == 0
    captured = capsys.readouterr()
    assert "as many trials as the time limit has room for: the defaults, and others that draw" in captured.err
    assert len(json.loads(captured.out)["search"]["trials"]) >= 4


def test_refit_without_a_search(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--n-refit", "2", *QUICK]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "then 2 on all rows, for the mean of the best epochs, which replace them" in shown
    assert "epochs on all rows; median best epoch of the folds" in shown


def test_a_search_in_each_part(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(data), "--target", "species", "--tune", "2", "--cv", "2", *QUICK]) == 0
    assert "fold 2" in capsys.readouterr().out
