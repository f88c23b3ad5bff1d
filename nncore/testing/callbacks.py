"""Conformance checks of callbacks."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Callback, History
from nncore.errors import ParameterError
from nncore.layers.dense import Dense
from nncore.network import Sequential, load
from nncore.testing import networks
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_same_bits
from nncore.testing.setting import setting


class CallbackConformance(Conformance):
    """Conformance checks of a callback: small fits in an empty folder, with output discarded.

    >>> class TestEMA(CallbackConformance):
    ...     name = "ema"

    Attributes
    ----------
    same_bits : bool
        False if it changes a fit by something that differs between runs, such as the time. The callback's class may have this attribute
        instead.
    """

    kind = "callbacks"
    same_bits: ClassVar[bool] = setting(True)

    def test_fit(self) -> None:
        self.each(check_fit)

    def test_a_second_fit(self) -> None:
        self.each(check_second_fit)

    def test_a_fit_that_goes_on(self) -> None:
        if self.same_bits:
            self.each(check_resumed)

    def test_a_fit_that_fails(self) -> None:
        self.each(check_failure)

    def test_epochs_ahead(self) -> None:
        if self.same_bits:
            self.each(check_epochs_ahead)

    def test_same_bits_every_time(self) -> None:
        if self.same_bits:
            self.each(check_same_bits)


class Failing(Callback):
    """A second callback, which fails in the second epoch."""

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch == 2:
            raise ArithmeticError("on purpose")


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """Run in an empty folder, and discard output."""
    quiet = io.StringIO()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        yield


def network() -> Sequential:
    """An untrained network, the same every time."""
    return Sequential(Dense(4, activation="tanh"), Dense(3)).build(4, rng=5)


def fit(net: Sequential, *callbacks: Callback, epochs: int = 3) -> History:
    X, y = networks.inputs(), networks.classes()
    return net.fit(
        X,
        y,
        loss="softmax_cross_entropy",
        optimizer="adam",
        epochs=epochs,
        batch_size=16,
        validation=(X, y),
        callbacks=callbacks,
        progress=False,
    )


def described(callback: Callback) -> Callback:
    """A new callback with the same name and arguments."""
    made: Callback = registry.resolve("callbacks", registry.config_of("callbacks", callback))
    return made


def check_fit(callback: Callback) -> None:
    """Check that a fit completes, or stops early with a reason, and ends with finite parameters."""
    with nowhere():
        net = network()
        history = fit(net, described(callback))
    expect(1 <= len(history) <= 3, f"a fit of 3 epochs records {len(history)}")
    expect(len(history) == 3 or bool(history.stop_reason), "it ends the fit early without a reason: training.stop(reason)")
    expect(np.isfinite(net.parameters).all(), "the fit ends with parameters that are not finite")


def check_second_fit(callback: Callback) -> None:
    """Check that a callback in a second fit, of another network, acts like a new one."""
    with nowhere():
        again = described(callback)
        fit(network(), again)
        reused, fresh = network(), network()
        lengths = len(fit(reused, again)), len(fit(fresh, described(callback)))
    expect(
        lengths[0] == lengths[1], f"in a second fit it lets {lengths[0]} epochs pass, a fresh one {lengths[1]}: begin anew in on_fit_begin"
    )
    expect_same_bits(reused.parameters, fresh.parameters, "parameters after a second fit with the same object")


class CutShort(Callback):
    """A second callback, which stops the fit after an epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, training: Any) -> None:
        if training.network.n_epochs == self.epochs:
            training.stop("cut short for a check", cut_short=True)


def check_resumed(callback: Callback) -> None:
    """Check that a fit that was stopped, saved and loaded continues like an uninterrupted one, by `state` and `restore`."""
    with nowhere():
        whole = network()
        length = len(fit(whole, described(callback), epochs=4))
        for cut in range(1, length):
            part = network()
            fit(part, described(callback), CutShort(cut), Saving(), epochs=4)
            part = load("cut.nncore")
            own = described(callback)
            expect(len(part.memories) < 2 and all(repr(own) == memory.callback for memory in part.memories), "its repr varies")
            resumed = len(fit(part, own, epochs=4 - cut))
            expect(cut + resumed == length, f"cut short after {cut} epochs it lets {cut + resumed} pass, not {length}: say more in `state`")
            expect_same_bits(part.parameters, whole.parameters, f"parameters of a fit that was cut short after {cut} epochs")
        try:
            fit(network(), _Restoring(described(callback)))
        except ParameterError:
            return
    raise AssertionError("restore({'no such thing': 1.0}) must raise ParameterError")


class Saving(Callback):
    """A second callback, which saves the network after each epoch, after all others."""

    saves = True

    def on_epoch_end(self, training: Any) -> None:
        training.network.save("cut.nncore")


class _Restoring(Callback):
    """Restores attributes that are not state."""

    def __init__(self, callback: Callback) -> None:
        self.callback = callback

    def on_fit_begin(self, training: Any) -> None:
        self.callback.on_fit_begin(training)
        try:
            self.callback.restore({"no such thing": 1.0}, training)
        finally:
            self.callback.on_fit_end(training)


def check_failure(callback: Callback) -> None:
    """Check that the error of another callback passes, that the callback's end hook does not raise, and that the network can be fitted
    again."""
    with nowhere():
        net = network()
        for callbacks in ((Failing(), described(callback)), (described(callback), Failing())):
            try:
                fit(net, *callbacks)
            except ArithmeticError as error:
                expect(str(error) == "on purpose", f"the error that ends a fit becomes {error!r}")
            except Exception as error:
                raise AssertionError(f"in a fit that fails, on_fit_end raises {type(error).__name__}: {error}") from error
        fit(net, described(callback), epochs=1)


class Looking(Callback):
    """A second callback, so that Python runs after every epoch."""

    def on_epoch_end(self, training: Any) -> None:
        pass


def check_epochs_ahead(callback: Callback) -> None:
    """Check that `epochs_ahead` is correct: the fit equals one in which Python runs after every epoch."""
    with nowhere():
        ends = []
        for others in ((), (Looking(),)):
            net = network()
            history = fit(net, described(callback), *others, epochs=12)
            ends.append((net.parameters.copy(), len(history), net.n_epochs))
    (unseen, *counts), (seen, *expected) = ends
    expect(counts == expected, f"it lets {counts[0]} epochs pass, and {expected[0]} if Python looks at each: return less in epochs_ahead")
    expect_same_bits(unseen, seen, "parameters after a fit in which Python does not look at each epoch")


def check_same_bits(callback: Callback) -> None:
    with nowhere():
        ends = []
        for _ in range(2):
            net = network()
            fit(net, described(callback))
            ends.append(net.parameters.copy())
    expect_same_bits(ends[1], ends[0], "parameters of a second run")
