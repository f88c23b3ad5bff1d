"""Trains small networks with a component found by name, from construction to file and back."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nncore.errors import MissingExtraError
from nncore.model import Sequential
from nncore.persistence import load
from nncore.testing.expectations import expect, expect_same_bits

#: Makes a network that is not built yet, the same every time.
Make = Callable[[], Sequential]
#: Trains it for a number of epochs, with the component under test by name; keywords go on to ``fit``.
Train = Callable[..., list[float]]


def check_fit_lowers_the_loss(make: Make, train: Train) -> None:
    """30 epochs leave a lower loss than the first had, and only finite parameters."""
    network = make()
    losses = train(network, 30)
    expect(np.isfinite(losses).all() and np.isfinite(network.parameters).all(), f"training gives losses {losses} or parameters not finite")
    expect(losses[-1] < losses[0], f"30 epochs of training take the loss from {losses[0]:.6g} to {losses[-1]:.6g}: it should fall")


def check_same_bits(make: Make, train: Train) -> None:
    """Two runs, and runs with one and two threads, end with the same bits."""
    ends = []
    for n_threads in (1, 1, 2):
        network = make()
        train(network, 3, n_threads=n_threads)
        ends.append(network.parameters.copy())
    expect_same_bits(ends[1], ends[0], "parameters of a second run")
    expect_same_bits(ends[2], ends[0], "parameters after training with two threads")


def check_file(make: Make, train: Train, X: np.ndarray | None = None) -> None:
    """A network saved and loaded in the middle of training predicts (for `X`) and goes on with the same bits as one that was not."""
    network, X = make(), inputs() if X is None else X
    train(network, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.nncore"
        try:
            network.save(path)
        except MissingExtraError as error:
            raise unittest.SkipTest(str(error)) from None
        again = load(path)
    expect_same_bits(again.predict(X), network.predict(X), "predictions of the loaded network")
    train(network, 2)
    train(again, 2)
    expect_same_bits(again.parameters, network.parameters, "parameters when training goes on after loading")


def inputs() -> np.ndarray:
    """Sixty samples of four features, float32."""
    return np.random.default_rng(11).normal(size=(60, 4)).astype(np.float32)


def classes(n_classes: int = 3) -> np.ndarray:
    """A class for each of `inputs`, decided by its first two features."""
    X = inputs()
    return ((X[:, 0] > 0) + (X[:, 1] > 0.3)) % n_classes
