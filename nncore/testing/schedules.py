"""Conformance checks of schedules."""

from __future__ import annotations

import json
import math
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import Callback, History, Schedule
from nncore.errors import MissingExtraError, ParameterError
from nncore.layers.dense import Dense
from nncore.network import Sequential, load
from nncore.testing import networks
from nncore.testing.expectations import expect, expect_same_bits

#: Lengths of a fit, in steps.
LENGTHS = (1, 2, 3, 10, 997)


class ScheduleConformance(networks.NetworkConformance):
    """Conformance checks of a schedule.

    >>> class TestCosine(ScheduleConformance):
    ...     name = "cosine"
    """

    kind = "schedules"
    guarded_check = "test_factor"  # schedules are not compiled

    def test_factor(self) -> None:
        self.each(check_factor)

    def test_state(self) -> None:
        self.each(check_state)

    def network(self) -> Sequential:
        """A classifier whose learning rate the schedule changes."""
        return Sequential(Dense(8, activation="tanh"), Dense(3)).build(
            4, loss="softmax_cross_entropy", optimizer={"name": "adam", "lr": 0.02}, rng=5
        )

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """A complete fit with the schedule."""
        return list(fit(network, epochs, schedule=described(self.components()[0]))["loss"])

    def test_network_goes_on_from_a_file(self) -> None:
        """A fit that was interrupted, saved and loaded ends with the same bits as one that was not."""
        self.each(self.check_resumed)

    def check_resumed(self, schedule: Schedule) -> None:
        whole, part = self.network(), self.network()
        fit(whole, 6, schedule=described(schedule))
        for epochs in (2, 3):
            fit(part, 6, schedule=described(schedule), callbacks=[StopAfter(epochs)])
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "network.nncore"
                try:
                    part.save(path)
                except MissingExtraError as error:
                    raise unittest.SkipTest(str(error)) from None
                part = load(path)
        fit(part, 1)
        expect_same_bits(part.parameters, whole.parameters, "parameters after two interruptions")


class StopAfter(Callback):
    """Ends a fit like an interruption."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch == self.epochs:
            training.stop("interrupted for a check")


def fit(network: Sequential, epochs: int, **arguments: Any) -> History:
    # Labels that differ from the training labels: their loss rises, and a schedule may react to it.
    validation = networks.inputs(), (networks.classes() + 1) % 3
    return network.fit(
        networks.inputs(), networks.classes(), epochs=epochs, batch_size=16, validation=validation, progress=False, **arguments
    )


def described(schedule: Schedule) -> Schedule:
    """A new schedule with the same name and arguments, as from a file."""
    made: Schedule = registry.resolve("schedules", registry.config_of("schedules", schedule))
    return made


def check_factor(schedule: Schedule) -> None:
    """Check that factors are finite and not negative for all steps and one more, and that each depends only on its step."""
    for n_steps in LENGTHS:
        steps = np.arange(n_steps + 1)  # a resumed fit may take longer than planned; it then stays at the last factor
        steps.flags.writeable = False
        factors = np.asarray(schedule.factor(steps, n_steps))
        what = f"factor(arange({n_steps + 1}), {n_steps})"
        expect(factors.shape == steps.shape, f"{what} has shape {factors.shape}")
        expect(factors.dtype.kind in "fiu", f"{what} has dtype {factors.dtype}, numbers are expected")
        expect(np.isfinite(factors).all(), f"{what} is not finite everywhere")
        expect((factors >= 0).all(), f"{what} is negative somewhere")
        expect_same_bits(np.asarray(schedule.factor(steps, n_steps)), factors, f"{what} a second time")
        for some in (steps[n_steps // 2 :], steps[::3], steps[:0]):
            expect_same_bits(np.asarray(schedule.factor(some, n_steps)), factors[some], f"{what} asked for fewer steps at once")


def check_state(schedule: Schedule) -> None:
    """Check that the state holds what was learned from a history: a new schedule continues from its JSON. An empty state resets it."""
    steps = np.arange(11)
    first, history = schedule.factor(steps, 10), History()
    losses = np.random.default_rng(0).normal(size=40)
    for epoch, loss in enumerate(losses):
        again = described(schedule)
        state = schedule.state()
        expect(isinstance(state, dict), f"state() is {state!r}, a dict is expected")
        for name, number in state.items():
            is_number = isinstance(name, str) and isinstance(number, (int, float)) and math.isfinite(number)
            expect(is_number, f"state() has {name!r}: {number!r}, finite numbers by name are expected")
        again.restore(json.loads(json.dumps(state)))
        what = f"after {epoch} epochs and restore(state())"
        expect(again.state() == state, f"{what} state() is {again.state()}, not {state}")
        history.append(loss=loss, val_loss=loss, lr=1.0, seconds=1.0)
        for one in (schedule, again):
            one.observe(history)
        expect_same_bits(np.asarray(again.factor(steps, 10)), np.asarray(schedule.factor(steps, 10)), f"{what} the next factors")
    try:
        again.restore({"no such thing": 1.0})
    except ParameterError:
        pass
    else:
        raise AssertionError("restore({'no such thing': 1.0}) must raise ParameterError")
    schedule.restore({})
    expect_same_bits(np.asarray(schedule.factor(steps, 10)), np.asarray(first), "factors after restore({})")
