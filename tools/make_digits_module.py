"""Writes docs/_static/digits_module.js: a network that reads digits, exported to C and compiled to WebAssembly with Clang and LLD.

Run it from the root of the repository with NNCORE_CPU=portable: any x86-64 then trains the same network.
"""

from __future__ import annotations

import base64
import itertools
import subprocess
import tempfile
import textwrap
from pathlib import Path

import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split

PATH = Path(__file__).parents[1] / "docs" / "_static" / "digits_module.js"

RUN = """
#include "digits.h"

static float X[DIGITS_N_INPUTS], probabilities[DIGITS_N_PREDICT_PROBA];

float *input(void) { return X; }

float *output(void) {
    digits_predict_proba(X, probabilities);
    return probabilities;
}
"""


def between(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Columns of images at places between theirs."""
    left = np.clip(np.floor(places).astype(int), 0, 6)
    part = np.clip(places - left, 0, 1)
    return (1 - part) * images[..., left] + part * images[..., left + 1]


def changed(images: np.ndarray, by: float, slant: float, wider: float, lower: float) -> np.ndarray:
    """Images moved by `by` pixels to the right, slanted by `slant` pixels a row, `wider` times as wide, with their middle `lower`."""
    column = np.arange(8.0)
    out = between(images.transpose(0, 2, 1), column + lower * column * (column - 7) / 12.25).transpose(0, 2, 1)
    for row in range(8):
        out[:, row] = between(out[:, row], 3.5 + (column - 3.5 - by - slant * (3.5 - row)) / wider)
    return out


def train() -> nn.Sequential:
    """A network of 64 pixels from 0 to 1; it has seen each image moved, slanted and stretched, with noise."""
    images, y, *_ = load_digits_split()
    changes = list(itertools.product((-0.6, 0.0, 0.6), (-0.25, 0.0, 0.25), (0.85, 1.0, 1.15), (-0.6, 0.0, 0.6)))
    X = np.concatenate([changed(images, *change) for change in changes]).reshape(-1, 64) / 16
    network = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(10))
    network.fit(
        X,
        np.tile(y, len(changes)),
        loss="softmax_cross_entropy",
        optimizer=nn.Adam(lr=2e-3),
        schedule="cosine",
        transforms=[nn.GaussianNoise(std=0.15)],
        epochs=6,
        batch_size=64,
        rng=0,
        progress=False,
    )
    return network


def compiled(network: nn.Sequential) -> bytes:
    """A module with `memory`, `input` and `output`."""
    with tempfile.TemporaryDirectory() as folder:
        network.export(Path(folder, "digits.h"))
        Path(folder, "run.c").write_text(RUN, encoding="utf-8")
        flags = ["--target=wasm32", "-std=c99", "-O2", "-ffreestanding", "-nostdlib", "-ffp-contract=off"]
        link = ["-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export=input", "-Wl,--export=output"]
        subprocess.run(["clang", *flags, "run.c", "-o", "run.wasm", *link], cwd=folder, check=True)
        return Path(folder, "run.wasm").read_bytes()


def script(module: bytes) -> str:
    """The module as text in a script, which a page loads from a disk too; `fetch` needs a server."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(module).decode(), 120))
    return f"// Written by tools/make_digits_module.py.\nconst digitsModule = `\n{lines}\n`;\n"


if __name__ == "__main__":
    PATH.write_text(script(compiled(train())), encoding="utf-8")
