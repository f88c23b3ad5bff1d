#!/usr/bin/env python3
"""Runs the command `nncore` on each file of a folder of data, as a newcomer would, and writes what was typed and printed.

    python tools/make_transcript.py /path/to/data > docs/transcripts/train.md

The folder holds those of CHAPTERS below: adult, bike_sharing, and so on, each with the files that their sources offer. Durations are
replaced by "…", since they differ from run to run; everything else is the same on the same machine.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

#: Columns of a terminal.
WIDTH = "110"

INTRODUCTION = """\
# `nncore train` on eight tables

See what `nncore train` prints for eight public tables. Each table is trained with the defaults on the unchanged file; useful next commands
follow. `tools/make_transcript.py` wrote this page. Durations are left out (…). They and the last digits differ between machines.
"""

#: Heading, what to know, files to bring (from, called), commands.
CHAPTERS: list[tuple[str, str, list[tuple[str, str]], list[str]]] = [
    (
        "Penguins",
        "344 rows, three species, some measurements missing.",
        [("penguins/penguins.csv", "penguins.csv")],
        [
            "nncore train penguins.csv --target species --out penguins.nncore",
            "head -4 penguins.csv > new.csv",
            "nncore predict penguins.nncore new.csv --proba",
            "nncore train penguins.csv --target specie",
        ],
    ),
    (
        "Titanic",
        "Names and tickets are different in nearly every row; they are left out, and said to be. With few rows a score by cross-validation "
        "says more than one by 179 rows.",
        [("titanic/train.csv", "titanic.csv"), ("titanic/test.csv", "titanic-test.csv")],
        [
            "nncore train titanic.csv --target Survived --cv 5 --out titanic.nncore",
            "nncore predict titanic.nncore titanic-test.csv --copy PassengerId --out survivors.csv",
            "head -3 survivors.csv",
        ],
    ),
    (
        "Titanic, with a column too many",
        "Seaborn's version has `alive`, which is the target in other words.",
        [("titanic/seaborn_titanic.csv", "seaborn.csv")],
        ["nncore train seaborn.csv --target survived", "nncore train seaborn.csv --target survived --drop alive --quiet"],
    ),
    (
        "Adult",
        "No header, `?` for missing values; the labels of the test file end in a dot, which the network has not seen.",
        [("adult/adult-train.csv", "adult.csv"), ("adult/adult-test.csv", "adult-test.csv")],
        [
            "nncore train adult.csv --target c15 --out adult.nncore",
            "nncore predict adult.nncore adult-test.csv --out answers.csv",
            "sed 's/\\.$//' adult-test.csv | nncore predict adult.nncore - --out answers.csv",
            "nncore train adult.csv --target c15 --class-weight balanced --quiet --json | grep -A 5 '\"mean\"'",
        ],
    ),
    (
        "California housing",
        "A number to predict.",
        [("california_housing/housing.csv", "housing.csv")],
        ["nncore train housing.csv --target median_house_value --out housing.nncore --report housing.html"],
    ),
    ("Diamonds", "", [("diamonds/diamonds.csv", "diamonds.csv")], ["nncore train diamonds.csv --target price"]),
    (
        "Bike sharing",
        "Counts: with `--loss poisson` the network predicts a rate, which is never negative. `casual` and `registered` would sum to the "
        "count, but this file does not have them.",
        [("bike_sharing/bike.csv", "bike.csv")],
        ["nncore train bike.csv --target cnt", "nncore train bike.csv --target cnt --loss poisson --quiet"],
    ),
    (
        "Wine quality",
        "Marks from 3 to 8 are taken for classes, being few whole numbers; `--task regression` says otherwise.",
        [("wine_quality/winequality-red.csv", "red.csv"), ("wine_quality/winequality-white.csv", "white.csv")],
        ["nncore train red.csv --target c12", "nncore train white.csv --target c12 --task regression"],
    ),
    (
        "MNIST",
        "Ten thousand images as a table: a column for the digit and one for each of 784 pixels, written to a compressed file by a few "
        "lines of Python.",
        [("mnist", "mnist.csv.gz")],
        ["nncore train mnist.csv.gz --target digit --epochs 10 --patience 3 --out mnist.nncore"],
    ),
    (
        "A configuration file",
        "",
        [],
        [
            "nncore train penguins.csv --target species --hidden 32 --save-config penguins.toml --quiet",
            "grep -v '^#' penguins.toml | head -12",
            "nncore train --config penguins.toml --seed 1 --quiet",
            "printf '[training]\\nepoch = 5\\n' > wrong.toml; nncore train --config wrong.toml",
        ],
    ),
]


def main() -> None:
    data = Path(sys.argv[1])
    print(INTRODUCTION)
    with tempfile.TemporaryDirectory() as folder:
        for heading, text, files, commands in CHAPTERS:
            for source, name in files:
                bring(data / source, Path(folder, name))
            print(f"## {heading}\n")
            if text:
                print(f"{text}\n")
            print("```console")
            for command in commands:
                print(f"$ {command}")
                print(printed(command, folder), end="")
            print("```\n")


def bring(source: Path, destination: Path) -> None:
    """The file under the name that a user would give it."""
    if source.is_dir():
        write_mnist(source, destination)
    else:
        destination.write_bytes(source.read_bytes())


def write_mnist(folder: Path, destination: Path) -> None:
    """The ten thousand test images, one a row: the digit, then the pixels."""
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read()[8:], np.uint8)
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read()[16:], np.uint8).reshape(len(labels), -1)
    with gzip.open(destination, "wt", compresslevel=1) as out:
        out.write("digit," + ",".join(f"p{i}" for i in range(images.shape[1])) + "\n")
        for label, image in zip(labels.tolist(), images.tolist(), strict=True):
            out.write(f"{label},{','.join(map(str, image))}\n")


def printed(command: str, folder: str) -> str:
    """What a terminal shows, without durations and without the progress of training."""
    nncore = f"nncore() {{ '{sys.executable}' -m nncore \"$@\"; }}; "
    environment = os.environ | {"COLUMNS": WIDTH, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))}
    done = subprocess.run(
        ["bash", "-c", nncore + command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if not re.match(r" *\d+ %  (epoch|network) |ended early: ", line)]
    return "".join(re.sub(r"\b\d+(\.\d+)? s\b", "… s", line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
