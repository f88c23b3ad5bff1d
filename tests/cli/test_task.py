"""How `nncore train` interprets the target: missing values, the task, and the loss."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from each import each

from nncore import registry
from nncore.cli import main
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task
from nncore.errors import NNCoreError
from nncore.tabular.missing import USUAL

N = 120
X = np.random.default_rng(0).normal(size=N)

#: Targets of each kind, and the tasks that are possible for them.
TARGETS: dict[str, list[str]] = {
    "words": [["low", "mid", "high"][i % 3] for i in range(N)],
    "two words": [["yes", "no"][i % 2] for i in range(N)],
    "counts": [str(i % 5) for i in range(N)],
    "zeros and ones": [str(i % 2) for i in range(N)],
    "whole numbers": [str(i % 12) for i in range(N)],
    "shares": [f"{(i % 97) / 97:.4f}" for i in range(N)],
    "numbers": [f"{3 * x:.4f}" for x in X],
}
NUMBERS = set(TARGETS) - {"words", "two words"}


def written(path: Path, target: list[str], **features: list[str]) -> Path:
    columns = {"x": [f"{x:.4f}" for x in X[: len(target)]], **features, "y": target}
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *map(",".join, rows)]) + "\n", encoding="utf-8")
    return path


def task(path: Path, **settings: object) -> Task:
    return find_task(Settings(data=path, target="y", **settings))  # type: ignore[arg-type]


def losses_without_arguments() -> list[str]:
    found = []
    for name in sorted(registry.names("losses")):
        with suppress(NNCoreError):
            registry.resolve("losses", name)
            found.append(name)
    return found


@each("asked", [None, "classification", "regression"])
@each("what", TARGETS)
@pytest.mark.parametrize("name", losses_without_arguments())
def test_the_loss_decides_the_task_or_is_refused(name: str, what: str, asked: str | None, tmp_path: Path) -> None:
    loss = registry.resolve("losses", name)
    try:
        found = task(written(tmp_path / "a.csv", TARGETS[what]), loss=name, task=asked)
    except NNCoreError as error:
        refused = str(error)
    else:
        refused = ""
        assert asked in (None, found.kind)
        if found.kind == "regression":
            assert what in NUMBERS
            assert loss.targets == "real"
        elif loss.targets == "real":  # compared with 0 and 1 only if requested, or if the loss is made for that
            assert asked == "classification" or loss.has_yes_no_outputs
    assert not refused or "--loss" in refused or "--task" in refused


LOSSES = sorted(registry.names("losses"))


@pytest.mark.parametrize("quick", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["two targets", "all"])
@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_ends_in_a_traceback(name: str, quick: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No loss ends in a traceback. The quick run tries two targets for each loss, and all targets for one loss."""
    kinds, first = {}, LOSSES.index(name)
    chosen = [[*TARGETS][(first + k) % len(TARGETS)] for k in (0, 3)] if quick and name != "poisson" else [*TARGETS]
    for what in chosen:
        data = written(tmp_path / "a.csv", TARGETS[what])
        code = main(["train", str(data), "--target", "y", "--loss", name, "--epochs", "1", "--hidden", "2"])
        captured = capsys.readouterr()
        assert code in (0, 2), captured.err
        kinds[what] = "regression" if "y: regression" in captured.out else "classification" if code == 0 else "refused"
    if name == "poisson":
        assert kinds["counts"] == kinds["whole numbers"] == "regression"
        assert kinds["words"] == "refused"


def test_reasons(tmp_path: Path) -> None:
    counts = written(tmp_path / "counts.csv", TARGETS["counts"])
    assert (task(counts).kind, task(counts).why) == ("classification", "it has 5 different whole numbers")
    assert (task(counts, loss="poisson").kind, task(counts, loss="poisson").why) == ("regression", "--loss poisson is for numbers")
    whole = written(tmp_path / "whole.csv", TARGETS["whole numbers"])
    assert task(whole).kind == "regression"
    assert task(whole, loss="softmax_cross_entropy").why == "--loss softmax_cross_entropy is for classes"


@pytest.mark.parametrize(
    ("what", "settings", "message"),
    [
        ("words", {"loss": "mse"}, "holds 'low', which is not a number; regression needs numbers"),
        ("numbers", {"loss": "softmax_cross_entropy"}, "'y' is a number with 120 different values"),
        ("numbers", {"loss": "poisson"}, "outside"),
        ("counts", {"loss": "softmax_cross_entropy", "task": "regression"}, "--task regression for numbers; leave one of them out"),
    ],
)
def test_what_does_not_go_together(what: str, settings: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(NNCoreError, match=message):
        task(written(tmp_path / "a.csv", TARGETS[what]), **settings)


# ---- texts for missing values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted(USUAL))
def test_a_usual_word_is_a_class_of_a_target(word: str, tmp_path: Path) -> None:
    target = [[word, "Mild", "Severe"][i % 3] for i in range(N)]
    found = task(written(tmp_path / "a.csv", target))
    assert found.classes is not None
    assert sorted(np.bincount(found.classes).tolist()) == [40, 40, 40]
    assert (found.usual_classes, found.n_unlabelled) == ((word,), 0)
    two = task(written(tmp_path / "b.csv", [[word, "+"][i % 2] for i in range(N)]))
    assert two.classes is not None
    assert np.bincount(two.classes).tolist() == [60, 60]


@pytest.mark.parametrize("word", sorted(USUAL))
def test_a_usual_word_is_missing_among_numbers_and_counted(word: str, tmp_path: Path) -> None:
    target = [word if i % 10 == 0 else f"{X[i]:.4f}" for i in range(N)]
    found = task(written(tmp_path / "a.csv", target))
    assert (found.kind, found.n_unlabelled, found.table.words["y"]) == ("regression", 12, {word: 12})
    feature = task(written(tmp_path / "b.csv", TARGETS["two words"], z=target))
    assert (feature.columns["z"].kind, feature.table.words) == ("numeric", {"z": {word: 12}})


def test_a_word_can_be_put_on_the_list_and_taken_off(tmp_path: Path) -> None:
    z = [["None", "a", "missing"][i % 3] for i in range(N)]
    data = written(tmp_path / "a.csv", [["NA", "a", "b"][i % 3] for i in range(N)], z=z)
    assert task(data).table.words == {"z": {"None": 40}}
    assert task(data, not_missing=["None"]).table.words == {}
    named = task(data, missing=["missing", "NA"])
    assert named.table.words == {"z": {"None": 40, "missing": 40}, "y": {"NA": 40}}
    assert named.classes is not None
    assert named.n_unlabelled == 40


def test_an_empty_cell_is_missing_everywhere(tmp_path: Path) -> None:
    found = task(written(tmp_path / "a.csv", [["", "a", "b"][i % 3] for i in range(N)]), not_missing=["NA"])
    assert (found.n_unlabelled, found.table.words) == (40, {})


def test_text_of_a_file_that_knows_missing_cells_is_text(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    z, y = [["None", "NA", None][i % 3] for i in range(N)], [["None", "Mild", "-"][i % 3] for i in range(N)]
    pandas.DataFrame({"x": X, "z": z, "y": y}).to_parquet(tmp_path / "a.parquet")
    found = task(tmp_path / "a.parquet")
    assert found.table.words == {}
    assert found.table.column("z").count(None) == 40
    assert found.classes is not None
    assert np.bincount(found.classes).tolist() == [40, 40, 40]
    assert task(tmp_path / "a.parquet", missing=["NA"]).table.words == {"z": {"NA": 40}}


def test_predict_takes_the_same_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    z = [["None", "a", "missing"][i % 3] for i in range(N)]
    data, model = written(tmp_path / "a.csv", [["+", "-"][i % 3 == 0] for i in range(N)], z=z), tmp_path / "m"
    train = ["train", str(data), "--target", "y", "--out", str(model), "--epochs", "40", "--lr", ".05", "--quiet"]
    assert main([*train, "--missing", "missing", "--not-missing", "None"]) == 0
    capsys.readouterr()
    assert main(["predict", str(model), str(data)]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        "nncore: 'missing' is treated as missing in 'z' (40)",
        "nncore: the file also has 'y': accuracy 100.0 % on 120 rows",
    ]
    assert set(captured.out.split()) == {"y", "+", "-"}


# ---- equal values -----------------------------------------------------------------------------------------------------------


def test_a_file_of_types_answers_for_a_file_of_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {"k": [["1", "2", "x"][i % 3] for i in range(N)], "on": [i % 2 == 0 for i in range(N)], "y": [i % 3 for i in range(N)]}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    model = tmp_path / "m"
    train = ["train", str(tmp_path / "a.parquet"), "--target", "y", "--out", str(model), "--epochs", "40", "--lr", ".05", "--quiet"]
    assert main(train) == 0
    rows = "".join(f"{['1.0', '2.00', 'x'][i % 3]},{['TRUE', 'false'][i % 2]},{i % 3}.0\n" for i in range(N))
    (tmp_path / "b.csv").write_text(f"k,on,y\n{rows}")
    capsys.readouterr()
    answers = []
    for name in ("a.parquet", "b.csv"):
        assert main(["predict", str(model), str(tmp_path / name)]) == 0
        captured = capsys.readouterr()
        assert captured.err == "nncore: the file also has 'y': accuracy 100.0 % on 120 rows\n"
        answers.append(captured.out)
    assert answers[0] == answers[1]


def test_weights_of_classes_are_found_by_value(tmp_path: Path) -> None:
    data = written(tmp_path / "a.csv", [["0", "1", "0.0", "1.0"][i % 4] for i in range(N)])
    assert main(["train", str(data), "--target", "y", "--class-weight", "1.00=3", "--epochs", "1", "--quiet"]) == 0


def test_decimal_separator_and_header_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{i % 7},{i % 9}^w{i % 3}^{i % 2}\n" for i in range(N)))
    found = find_task(Settings(data=path, target="c3", separator="^", decimal=",", header=False))
    assert found.table.column("c1")[:2] == ["0.0", "1.1"]


def test_values_that_differ_in_capitals_alone_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(tmp_path / "a.csv", [["yes", "no", "Yes"][i % 3] for i in range(N)], z=[["A", "a"][i % 2] for i in range(N)])
    assert main(["train", str(data), "--target", "y", "--epochs", "1", "--hidden", "2"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "note z: 'A' and 'a' are different values; use one spelling if they mean the same" in shown
    assert "note y: 'Yes' and 'yes' are different values" in shown
