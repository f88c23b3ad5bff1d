"""Handwritten digits of 8×8 pixels: the test part of UCI's optical recognition data (LICENSE-digits.txt)."""

from __future__ import annotations

import gzip
from importlib.resources import files

import numpy as np

from nncore.words import explains_calls

#: Brightest value of a pixel: the number of dark points in a 4×4 block of the scanned bitmap.
BRIGHTEST = 16

#: Of each digit, in the order of the file, every fourth sample is for testing.
TEST_EVERY = 4


@explains_calls
def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits written by thirteen people.

    Returns
    -------
    X : ndarray of shape (1797, 8, 8), float32
        Pixels, whole numbers from 0 (paper) to 16 (ink), as in the original file. Divide by 16 to train.
    y : ndarray of shape (1797,), int64
        The digit, 0 to 9; between 174 and 183 samples of each.

    References
    ----------
    E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49, CC BY 4.0.
    """
    with files("nncore.datasets").joinpath("digits.csv.gz").open("rb") as compressed, gzip.open(compressed, "rt") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.float32)  # (1797, 65): 64 pixels, the digit
    return np.ascontiguousarray(table[:, :-1]).reshape(-1, 8, 8), table[:, -1].astype(np.int64)


@explains_calls
def load_digits_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The digits in two parts that are always the same and hold the ten digits in equal shares.

    Every fourth sample of each digit is for testing. No random numbers are involved, so a score on the test part can be
    compared between machines, versions and libraries. The writers of the two parts are the same people.

    Returns
    -------
    X_train : ndarray of shape (1352, 8, 8), float32
    y_train : ndarray of shape (1352,), int64
    X_test : ndarray of shape (445, 8, 8), float32
    y_test : ndarray of shape (445,), int64
        As from `load_digits`.
    """
    X, y = load_digits()
    is_test = np.zeros(len(y), dtype=bool)
    for digit in range(10):
        is_test[np.flatnonzero(y == digit)[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return X[~is_test], y[~is_test], X[is_test], y[is_test]
