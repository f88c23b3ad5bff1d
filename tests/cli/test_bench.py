from __future__ import annotations

from pathlib import Path

import pytest

from nncore.bench import Results, Selection
from nncore.bench.limit import Rates
from nncore.cli import main

TINY = ["bench", "--only", "training,prediction", "--nets", "4-8-3", "--batches", "2", "--threads", "1", "--seconds", "0.01"]


def test_a_tiny_run_from_the_machine_to_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    files = {option: tmp_path / f"bench.{suffix}" for option, suffix in (("output", "json"), ("markdown", "md"), ("picture", "png"))}
    options = [part for option, path in files.items() for part in (f"--{option}", str(path))]
    assert main([*TINY, *options]) == 0
    captured = capsys.readouterr()
    results = Results.from_json(files["output"].read_text(encoding="utf-8"))
    assert [cell.case.net for cell in (*results.training, *results.prediction)] == ["4-8-3", "4-8-3"]
    assert "\ntraining: µs a step\n" in captured.out
    assert "GFLOP/s in float32" in captured.out
    assert "nncore: training 1 of 1: 4-8-3 at 2, 1 thread\n" in captured.err
    assert files["picture"].read_bytes().startswith(b"\x89PNG")
    page = files["markdown"].read_text(encoding="utf-8")
    assert "![Ratios of every case](bench.png)" in page
    assert "nncore bench --only training,prediction --nets 4-8-3 --batches 2 --threads 1 --seconds 0.01\n" in page

    files["markdown"].unlink()
    assert main(["bench", "--read", str(files["output"]), "--markdown", str(files["markdown"]), "--picture", str(files["picture"])]) == 0
    assert files["markdown"].read_text(encoding="utf-8") == page
    assert capsys.readouterr().out == captured.out


def test_beside_a_busy_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def measure(selection: Selection, report: object) -> Results:
        asked.append(selection)
        return Results({"CPU": "a CPU", "cores": "2", "CPU level": "v3"}, Rates(1e11, 4e10), busy=selection.busy)

    monkeypatch.setattr("nncore.bench.measure", measure)
    path = tmp_path / "busy.json"
    assert main(["bench", "--busy", "--output", str(path)]) == 0
    assert main(["bench", "--busy", "--only", "calls", "--output", str(tmp_path / "calls.json")]) == 0
    assert [selection.busy for selection in asked] == [True, True]
    assert [selection.sections for selection in asked] == [("training", "prediction", "simplechains"), ("calls",)]
    results = Results.from_json(path.read_text(encoding="utf-8"))
    assert results.busy
    assert results.command == "nncore bench --threads 1,2 --seconds 0.5 --busy"
    assert "another process keeps one of the cores and the memory busy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "training,speed"], "--only speed: the parts are training, prediction, "),
        (["--nets", "4"], "a network is inputs-units-...-outputs"),
        (["--batches", "0"], "expected whole numbers of at least 1"),
        (["--threads", "one"], "expected whole numbers of at least 1"),
        (["--seconds", "0"], "--seconds must be more than 0, got 0"),
        (["--peers", "keras"], "unknown peer keras"),
        (["--output", "none/bench.json"], "the folder none does not exist"),
        (["--picture", "."], "--picture . is a folder"),
        (["--read", "none.json"], "none.json: No such file"),
        (["--wheel", "none.whl"], "none.whl: No such file"),
        (["--peers", "jax", "--peers-python", "none/python"], "--peers-python none/python: there is no such program"),
    ],
)
def test_wrong_arguments_fail_before_anything_is_measured(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "what the machine can do" not in captured.err


def test_a_file_that_is_not_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", encoding="utf-8")
    assert main(["bench", "--read", str(path)]) == 2
    assert "these are not results" in capsys.readouterr().err
