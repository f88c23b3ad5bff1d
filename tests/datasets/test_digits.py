from __future__ import annotations

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from nncore.datasets import load_digits, load_digits_split


def test_shapes_values_and_classes() -> None:
    X, y = load_digits()
    assert (X.shape, X.dtype) == ((1797, 8, 8), np.float32)
    assert (y.shape, y.dtype) == ((1797,), np.int64)
    assert X.flags.c_contiguous
    assert (X.min(), X.max()) == (0, 16)
    assert np.array_equal(X, np.round(X))
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_file_is_the_one_the_licence_describes() -> None:
    folder = files("nncore.datasets")
    digest = hashlib.sha256(folder.joinpath("digits.csv.gz").read_bytes()).hexdigest()
    licence = folder.joinpath("LICENSE-digits.txt").read_text(encoding="utf-8")
    assert digest in licence
    assert "CC BY 4.0" in licence
    assert "Alpaydin" in licence


def test_same_as_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = load_digits()
    theirs = datasets.load_digits()
    assert np.array_equal(X, theirs.images)
    assert np.array_equal(y, theirs.target)


def test_split_is_stratified_and_complete() -> None:
    X, y = load_digits()
    X_train, y_train, X_test, y_test = load_digits_split()
    assert (len(X_train), len(X_test)) == (len(y_train), len(y_test)) == (1352, 445)
    assert np.bincount(y_test).tolist() == (np.bincount(y) // 4).tolist()
    together = np.concatenate([X_train, X_test])
    assert sorted(map(bytes, together)) == sorted(map(bytes, X))


def test_split_is_always_the_same() -> None:
    first, second = load_digits_split(), load_digits_split()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    # The fourth zero of the file is the first of the test part.
    X, y = load_digits()
    assert np.array_equal(first[2][first[3] == 0][0], X[y == 0][3])
