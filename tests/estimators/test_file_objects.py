"""Ensembles and exports to and from open files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.errors import FileFormatError
from nncore.estimators import Perceptron, TabMClassifier, TabMRegressor, load_saved

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def test_an_ensemble_in_memory(tmp_path: Path) -> None:
    model = TabMRegressor(max_iter=2, random_state=0).fit(X, X[:, 0])
    file = io.BytesIO()
    model.save(file)
    model.save(tmp_path / "model.nncore")
    assert file.getvalue() == (tmp_path / "model.nncore").read_bytes()
    for read in (TabMRegressor.load, load_saved):
        file.seek(0)
        np.testing.assert_array_equal(read(file).predict(X), model.predict(X))
    file.seek(0)
    with pytest.raises(FileFormatError, match=r"the file object cannot be loaded: .*it is a TabMRegressor"):
        TabMClassifier.load(file)


def test_an_export_in_memory(tmp_path: Path) -> None:
    model, file = Perceptron(random_state=0).fit(X, Y), io.BytesIO()
    named: Any = file
    named.name = "model.py"
    model.export(named)
    model.export(tmp_path / "model.py")
    assert file.getvalue() == (tmp_path / "model.py").read_bytes()
