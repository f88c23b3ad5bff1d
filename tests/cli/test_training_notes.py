"""Notes about the training in model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nncore.cli import main
from nncore.cli.predict import load_with_columns
from nncore.cli.search_outcome import SearchOutcome, TrialOutcome
from nncore.cli.training_notes import KEY, TrainingNotes
from nncore.ensembles import load_table_model
from nncore.errors import FileFormatError

SEARCH = SearchOutcome(
    "small",
    "val_loss",
    False,
    [
        TrialOutcome(3, "dropout=0.1", "finished", 0.2, 15, 2),
        TrialOutcome(0, "", "finished", 0.3, 15, 1),
        TrialOutcome(1, "dropout=0", "failed", None, 1, 0),
    ],
)
NOTES = TrainingNotes("realmlp", "fast", 8, 1, 2, {"tune": 3, "drop": ["a", "b c"], "schedule": {"lr": "cosine"}, "header": False}, SEARCH)


def test_they_come_back() -> None:
    assert TrainingNotes.from_json({KEY: NOTES.to_json()}) == NOTES
    assert TrainingNotes.from_json({}) is None


def test_in_words() -> None:
    assert NOTES.in_words() == ("realmlp, preset fast: 8 folds × 1 network, replaced by 2 on all rows for each averaged trial")
    assert TrainingNotes("mlp", None, 1, 1, 0, {}, None).in_words() == "mlp, one network"
    assert NOTES.options_in_words() == "--tune 3 --drop a --drop 'b c' --schedule lr=cosine --no-header"
    assert SEARCH.in_words() == ("3 trials of the space small; 2 averaged: trial 3 (dropout=0.1) counts 2/3, trial 0 (as given) counts 1/3")
    alone = SearchOutcome("small", "val_loss", False, SEARCH.trials[1:])
    assert alone.in_words() == "2 trials of the space small; used is trial 0 (as given)"


@pytest.mark.parametrize(
    "change",
    [
        {"model": 3}, {"preset": []}, {"n_cv": "8"}, {"n_ens": True}, {"options": []}, {"search": {}}, {"search": {"trials": 3}},
        {"more": 1},
        {"search": SEARCH.to_json() | {"trials": []}},
        {"search": SEARCH.to_json() | {"space": 1}},
        {"search": SEARCH.to_json() | {"higher_is_better": 1}},
        {"search": SEARCH.to_json() | {"trials": [{**SEARCH.to_json()["trials"][0], "score": "good"}]}},
    ],
)  # fmt: skip
def test_what_a_file_says_is_checked(change: dict[str, Any]) -> None:
    with pytest.raises(FileFormatError, match="damaged"):
        TrainingNotes.from_json({KEY: NOTES.to_json() | change})
    with pytest.raises(FileFormatError, match="damaged"):
        TrainingNotes.from_json({KEY: [1]})


def test_a_file_has_them(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.nncore"
    options = ["--hidden", "4", "--epochs", "2", "--no-baselines", "--categorical", "colour", "--group-column", "id"]
    assert main(["train", str(data), "--target", "species", "--out", str(path), *options]) == 0
    _, notes = load_table_model(path)
    training = TrainingNotes.from_json(notes)
    assert training is not None
    assert training.model == "mlp"
    assert training.options.keys() == {"target", "hidden", "epochs", "baselines", "categorical", "group_column"}
    assert str(data) not in str(notes)
    capsys.readouterr()
    assert main(["info", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "model mlp, one network" in shown
    assert "options --target species --categorical colour --group-column id --hidden 4 --epochs 2 --no-baselines" in shown
    assert "rows groups of 'id' kept together" in shown
    assert load_with_columns(path)[1].group == "id"
