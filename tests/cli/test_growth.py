"""Work grows linearly with the size of a file: twice as many columns, rows or levels take twice the counted work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from nncore.cli import main
from nncore.tabular.table_file import TableFile


class Counted(str):
    """A name that counts its comparisons with others."""

    n_compared = 0
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        Counted.n_compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def many_columns(path: Path, n: int) -> None:
    cells = np.random.default_rng(0).integers(0, 9, (30, n)).tolist()
    rows = [f"{','.join(map(str, row))},{'ab'[i % 2]}" for i, row in enumerate(cells)]
    path.write_text("\n".join([",".join([*(f"v{i}" for i in range(n)), "y"]), *rows]) + "\n")


def many_rows(path: Path, n: int) -> None:
    path.write_text("x,c,y\n" + "".join(f"{i * 37 % 1009}.5,w{i % 5},{'ab'[i % 2]}\n" for i in range(n)))


def many_levels(path: Path, n: int) -> None:
    path.write_text("x,c,y\n" + "".join(f"{i % 7}.5,w{i % n},{'ab'[i % 2]}\n" for i in range(4 * n)))


def many_classes(path: Path, n: int) -> None:
    path.write_text("x,y\n" + "".join(f"{i % 7}.5,w{i % n}\n" for i in range(6 * n)))


def many_blank_lines(path: Path, n: int) -> None:
    path.write_text("x,y\n" + "".join(f"{i % 7}.5,{'ab'[i % 2]}\n\n" for i in range(n)))


def many_strangers(path: Path, n: int) -> None:
    """Write the table with many unknown levels in the file to predict."""
    path.write_text(
        "x,c,y\n" + "".join(f"{i % 7}.5,{f'w{i % 3}' if 'new' not in path.name else f's{i}'},{'ab'[i % 2]}\n" for i in range(n))
    )


def work(action: Callable[[], int]) -> int:
    """Number of function calls, including those in C, and of comparisons of names."""
    n_calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    before, Counted.n_compared = sys.getprofile(), 0
    sys.setprofile(count)
    try:
        assert action() == 0
    finally:
        sys.setprofile(before)
    return n_calls + Counted.n_compared


@pytest.mark.parametrize(
    ("write", "n"),
    [(many_columns, 40), (many_rows, 400), (many_levels, 60), (many_classes, 40), (many_blank_lines, 300), (many_strangers, 300)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_twice_the_size_is_at_most_twice_the_work(
    write: Callable[[Path, int], None], n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = TableFile.names.fget
    assert names is not None
    monkeypatch.setattr(TableFile, "names", property(lambda file: [Counted(name) for name in names(file)]))
    model, out, done = tmp_path / "m.nncore", tmp_path / "out.csv", []
    for factor in (1, 1, 2, 4):  # the first imports
        data, new = tmp_path / "data.csv", tmp_path / "new.csv"
        write(data, factor * n)
        write(new, factor * n)
        train = [
            "train",
            str(data),
            "--target",
            "y",
            "--out",
            str(model),
            "--epochs",
            "1",
            "--hidden",
            "2",
            "--batch-size",
            "1000000",
            "--no-baselines",
        ]
        done.append(work(lambda: main(train)) + work(lambda: main(["predict", str(model), str(new), "--out", str(out)])))  # noqa: B023
    first, second = done[2] - done[1], done[3] - done[2]
    assert first > 0, done
    assert second < 2.3 * first, done  # quadratic growth would give 4
