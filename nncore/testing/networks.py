"""Conformance checks in small networks: training, reproducibility, saving and loading."""

from __future__ import annotations

import functools
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from nncore.errors import MissingExtraError
from nncore.network import Sequential, load
from nncore.program import team_of
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_same_bits
from nncore.testing.guarded import OutOfBounds


class NetworkConformance(Conformance):
    """Checks of a component that takes part in training, in small networks that use it by name."""

    #: The check that calls the component only on guarded buffers.
    guarded_check: ClassVar[str]

    def network(self) -> Sequential:
        """An untrained network, the same every time."""
        raise NotImplementedError(f"{type(self).__name__}.network")

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Train the network further, and return the loss of each epoch."""
        raise NotImplementedError(f"{type(self).__name__}.train")

    def network_inputs(self, network: Sequential) -> np.ndarray:
        """The inputs that `train` uses."""
        return inputs()

    def can_train(self) -> bool:
        """Whether a network with the component can be trained."""
        return True

    def test_trains_a_network(self) -> None:
        """After 30 epochs, the loss is lower than in the first, and all parameters are finite."""
        self._skip_what_cannot_run()
        network = self.network()
        losses = self.train(network, 30)
        expect(
            np.isfinite(losses).all() and np.isfinite(network.parameters).all(), f"training gives losses {losses} or parameters not finite"
        )
        expect(losses[-1] < losses[0], f"30 epochs of training take the loss from {losses[0]:.6g} to {losses[-1]:.6g}: it should fall")

    def test_network_ends_with_the_same_bits(self) -> None:
        """Two runs, and runs on several threads, end with the same bits."""
        self._skip_what_cannot_run()
        ends = []
        for n_parts in (1, 1, 2, 3):
            network = self.network()
            with team_of(n_parts):
                self.train(network, 3)
            ends.append(_parameters(network))
        expect_same_bits(ends[1], ends[0], "parameters of a second run")
        for n_parts, end in zip((2, 3), ends[2:], strict=True):
            expect_same_bits(end, ends[0], f"parameters after training with {n_parts} threads")

    def test_network_goes_on_from_a_file(self) -> None:
        """A network that is saved and loaded during training predicts and continues with the same bits as one that was not."""
        self._skip_what_cannot_run()
        network = self.network()
        self.train(network, 2)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.nncore"
            try:
                network.save(path)
            except MissingExtraError as error:
                raise unittest.SkipTest(str(error)) from None
            again = load(path)
        X = self.network_inputs(network)
        expect_same_bits(again.predict(X), network.predict(X), "predictions of the loaded network")
        self.train(network, 2)
        self.train(again, 2)
        expect_same_bits(_parameters(again), _parameters(network), "parameters when training goes on after loading")

    def _skip_what_cannot_run(self) -> None:
        if not self.can_train():
            raise unittest.SkipTest("it cannot be trained through")
        if damage := _out_of_bounds(type(self)):  # type: ignore[arg-type]  # mypy takes a class for unhashable
            raise unittest.SkipTest(f"a network's memory is not for a kernel that writes outside its buffers: {damage}")


def _parameters(network: Sequential) -> np.ndarray:
    """A copy of the parameters for prediction, and of the trained ones if they differ."""
    return np.concatenate([network.parameters, *([] if network.trajectory is None else [network.trajectory])])


@functools.cache
def _out_of_bounds(tests: type[NetworkConformance]) -> str:
    """How the kernel writes outside its buffers; empty if it does not."""
    try:
        getattr(tests(), tests.guarded_check)()
    except OutOfBounds as error:
        return str(error)
    except Exception:  # reported by that check
        return ""
    return ""


def check_epochs_one_by_one(network: Callable[[], Sequential], train: Callable[[Sequential, int], object]) -> None:
    """Check that fits of one epoch, each after saving and loading, end with the same bits as one fit of all epochs."""
    whole, part = network(), network()
    train(whole, 4)
    for _ in range(4):
        train(part, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.nncore"
            try:
                part.save(path)
            except MissingExtraError as error:
                raise unittest.SkipTest(str(error)) from None
            part = load(path)
    expect_same_bits(part.parameters, whole.parameters, "parameters after four fits of one epoch, against one fit of four")


def inputs() -> np.ndarray:
    """Sixty samples of four features, float32."""
    return np.random.default_rng(11).normal(size=(60, 4)).astype(np.float32)


def classes(n_classes: int = 3) -> np.ndarray:
    """A class for each of `inputs`, determined by its first two features."""
    X = inputs()
    return ((X[:, 0] > 0) + (X[:, 1] > 0.3)) % n_classes
