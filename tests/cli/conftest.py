"""Small files to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two species, distinguished by length and colour; an index, a name, missing values, a useless column. 240 rows."""
    rng = np.random.default_rng(0)
    lines = ["id,name,length,colour,always,species"]
    for i in range(240):
        rose = rng.random() < 0.6
        length = "NA" if rng.random() < 0.1 else f"{rng.normal(5 if rose else 2):.3f}"
        colour = rng.choice(["red", "pink"] if rose else ["white", "red"])
        lines.append(f'{i},"Flower, no {i}",{length},{colour},7,{"rose" if rose else "daisy"}')
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """price = 1000 + 50·area + 300·(has a garden) + noise, separated by semicolons. 240 rows."""
    rng, n = np.random.default_rng(1), 240
    area, garden = rng.uniform(20, 200, n), rng.integers(0, 2, n)
    price = 1000 + 50 * area + 300 * garden + rng.normal(0, 20, n)
    rows = zip(area, garden, price, strict=True)
    path = tmp_path / "prices.csv"
    path.write_text("area;garden;price\n" + "".join(f"{a:.2f};{'yes' if g else 'no'};{p:.2f}\n" for a, g, p in rows))
    return path
