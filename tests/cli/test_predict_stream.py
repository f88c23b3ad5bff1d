from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nncore.cli import main, predict as command
from nncore.tabular import reader

N_FEATURES = 4


def written(path: Path, n: int, seed: int = 0, *, target: bool = False) -> Path:
    """A table of numbers, a colour that is new in some rows, and missing cells."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_FEATURES)).round(3)
    colours = np.array(["red", "blue"] if target else ["red", "blue", "green", "?"])[rng.integers(0, 2 if target else 4, n)]
    y = np.where(X[:, 0] + (colours == "red") > 0.5, "yes", "no")
    with path.open("w") as file:
        file.write(",".join([*(f"x{i}" for i in range(N_FEATURES)), "colour", *(["y"] if target else [])]) + "\n")
        for row, colour, label in zip(X.tolist(), colours.tolist(), y.tolist(), strict=True):
            file.write(",".join(map(str, row)) + f",{colour}" + (f",{label}" if target else "") + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    data, path = written(folder / "train.csv", 300, target=True), folder / "m.nncore"
    assert main(["train", str(data), "--target", "y", "--out", str(path), "--quiet", "--hidden", "8", "--epochs", "5"]) == 0
    return path


def with_blocks_of(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def blocks(path: Path, writing: reader.Writing) -> object:
        return reader.read_blocks(path, writing, n_rows=n)

    monkeypatch.setattr(command, "read_blocks", blocks)


def test_blocks_of_any_size_give_the_same(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "new.csv", 1000)
    seen = set()
    for n in (1, 7, 999, 10**6):
        with_blocks_of(n, monkeypatch)
        capsys.readouterr()
        assert main(["predict", str(model), str(data), "--proba"]) == 0
        captured = capsys.readouterr()
        seen.add((captured.out, captured.err))
    ((out, err),) = seen
    assert out.count("\n") == 1001
    assert "rows with values that training did not have ('green', missing)" in err


def test_the_score_over_blocks_is_that_of_the_whole(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "new.csv", 500, seed=1, target=True)
    shown = set()
    for n in (30, 10**6):
        with_blocks_of(n, monkeypatch)
        capsys.readouterr()
        assert main(["predict", str(model), str(data)]) == 0
        shown.add(capsys.readouterr().err)
    assert len(shown) == 1
    assert "accuracy" in shown.pop()


def test_a_mistake_far_down_leaves_no_file(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = written(tmp_path / "new.csv", 100), tmp_path / "answers.csv"
    with data.open("a") as file:
        file.write("1,2,long,4,red\n")
    with_blocks_of(10, monkeypatch)
    assert main(["predict", str(model), str(data), "--out", str(out)]) == 2
    assert "column 'x2', line 102: 'long' is not a finite number" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv"}


def test_from_standard_input_to_standard_output(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "new.csv", 20)
    assert main(["predict", str(model), str(data)]) == 0
    expected = capsys.readouterr().out
    for content in (data.read_bytes(), gzip.compress(data.read_bytes())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
        assert main(["predict", str(model), "-", "--out", "-"]) == 0
        assert capsys.readouterr().out == expected


def test_parquet_gives_what_csv_gives(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.csv
    import pyarrow.parquet

    data = written(tmp_path / "new.csv", 50)
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(data), tmp_path / "new.parquet")
    assert main(["predict", str(model), str(data), "--proba"]) == 0
    expected = capsys.readouterr().out
    assert main(["predict", str(model), str(tmp_path / "new.parquet"), "--proba"]) == 0
    assert capsys.readouterr().out == expected


MEASURED = """
import resource, sys
from nncore.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(model: Path, tmp_path: Path) -> None:
    """Memory for a million rows is about that for twenty thousand, and each prediction equals that in a small file."""
    small = written(tmp_path / "small.csv", 20_000)
    header, *rows = small.read_text().splitlines(keepends=True)
    large = tmp_path / "large.csv"
    with large.open("w") as file:
        file.write(header)
        for _ in range(50):
            file.writelines(rows)

    def run(data: Path) -> tuple[str, int]:
        out = tmp_path / f"{data.stem}-answers.csv"
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, "predict", str(model), str(data), "--out", str(out)],
            capture_output=True,
            text=True,
            check=True,
        )
        return out.read_text(), int(done.stderr.splitlines()[-1]) * (1024 if sys.platform != "darwin" else 1)

    few, at_first = run(small)
    many, in_the_end = run(large)
    assert large.stat().st_size > 25 * 2**20
    assert in_the_end - at_first < 16 * 2**20
    head, *answers = few.splitlines()
    assert many.splitlines() == [head, *answers * 50]


def test_copied_columns_stand_in_front(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "new.csv", 30)
    rows = [line.split(",") for line in data.read_text().splitlines()]
    with_blocks_of(7, monkeypatch)
    assert main(["predict", str(model), str(data), "--copy", "colour", "--copy", "x0"]) == 0
    shown = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in shown] == [[row[4].replace("?", ""), row[0]] for row in rows]
    assert {line[2] for line in shown[1:]} <= {"yes", "no"}
    assert main(["predict", str(model), str(data), "--copy", "x9"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "has no column 'x9'; it has 'x0'" in captured.err


def test_the_answer_beside_a_copy_of_the_truth_has_a_name_of_its_own(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = written(tmp_path / "known.csv", 30, target=True), tmp_path / "answers.csv"
    assert main(["predict", str(model), str(data), "--copy", "y", "--proba", "--out", str(out)]) == 0
    assert reader.read_table(out).names == ["y", "predicted y", "P(no)", "P(yes)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"x0,x1,x2,x3,colour\n", "no rows"),
        (b"x0,x1,x2,colour\n1,2,3,red\n", "lacks the column 'x3', which the network was trained with"),
        (b"x0,x1,x2,x3,colour\n1,2,3,4,red\n1,2,three,4,red\n", "column 'x2', line 3: 'three' is not a finite number"),
        (b"x0,x1,x2,x3,colour\n1,2,3,4,r\xf6t\n", "is not UTF-8: line 2 holds the byte 0xf6"),
        (gzip.compress(b"x0,x1,x2,x3,colour\n" + b"1,2,3,4,red\n" * 99, mtime=0)[:-9], "damaged or cut off"),
        (b"PAR1" + bytes(99), "damaged or cut off"),
    ],
)
def test_a_bad_file_is_one_sentence(model: Path, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content.startswith(b"PAR1"):
        pytest.importorskip("pyarrow")
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert main(["predict", str(model), str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nncore: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_no_file_and_folder(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(model), str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["predict", str(model), str(tmp_path / "none.csv")]) == 2
    assert "there is no file" in capsys.readouterr().err


def test_ctrl_c_says_how_far_it_came(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "new.csv", 40)

    def blocks(path: Path, writing: reader.Writing) -> object:
        yield next(reader.read_blocks(path, writing, n_rows=10))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "read_blocks", blocks)
    assert main(["predict", str(model), str(data)]) == 130
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 11
    assert captured.err == "nncore: interrupted after 10 rows\n"
    assert main(["predict", str(model), str(data), "--out", str(tmp_path / "a.csv")]) == 130
    assert capsys.readouterr().err == "nncore: interrupted\n"
    assert not (tmp_path / "a.csv").exists()
