"""What every callback is checked for."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Callback, History
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_same_bits
from nncore.testing.setting import setting


class CallbackConformance(Conformance):
    """Checks of a callback: small fits in an empty folder, with everything printed thrown away.

    >>> class TestEMA(CallbackConformance):
    ...     name = "ema"

    Attributes
    ----------
    same_bits : bool
        False if it changes a fit by something that differs from run to run, such as the time. The callback's class may say so instead.
    """

    kind = "callbacks"
    same_bits: ClassVar[bool] = setting(True)

    def test_fit(self) -> None:
        self.each(check_fit)

    def test_a_second_fit(self) -> None:
        self.each(check_second_fit)

    def test_a_fit_that_fails(self) -> None:
        self.each(check_failure)

    def test_same_bits_every_time(self) -> None:
        if self.same_bits:
            self.each(check_same_bits)


class Failing(Callback):
    """Another callback, which fails in the second epoch."""

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch == 2:
            raise ArithmeticError("on purpose")


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """Files and words of a callback disturb nobody."""
    quiet = io.StringIO()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        yield


def network() -> Sequential:
    """Not trained yet, the same every time."""
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
    """One of its own, by name and arguments."""
    made: Callback = registry.resolve("callbacks", registry.config_of("callbacks", callback))
    return made


def check_fit(callback: Callback) -> None:
    """A fit with it comes to its end: all epochs, or fewer with a reason; the parameters are finite."""
    with nowhere():
        net = network()
        history = fit(net, described(callback))
    expect(1 <= len(history) <= 3, f"a fit of 3 epochs records {len(history)}")
    expect(len(history) == 3 or bool(history.stop_reason), "it ends the fit early without a reason: training.stop(reason)")
    expect(np.isfinite(net.parameters).all(), "the fit ends with parameters that are not finite")


def check_second_fit(callback: Callback) -> None:
    """The same object in a second fit, of another network, does what a fresh one does."""
    with nowhere():
        again = described(callback)
        fit(network(), again)
        reused, fresh = network(), network()
        lengths = len(fit(reused, again)), len(fit(fresh, described(callback)))
    expect(
        lengths[0] == lengths[1], f"in a second fit it lets {lengths[0]} epochs pass, a fresh one {lengths[1]}: begin anew in on_fit_begin"
    )
    expect_same_bits(reused.parameters, fresh.parameters, "parameters after a second fit with the same object")


def check_failure(callback: Callback) -> None:
    """It lets the error of another callback pass, and hears of the end without one of its own; the network can be fitted afterwards."""
    with nowhere():
        net = network()
        for callbacks in ((Failing(), described(callback)), (described(callback), Failing())):
            try:
                fit(net, *callbacks)
            except ArithmeticError as error:
                expect(str(error) == "on purpose", f"the error that ends a fit becomes {error!r}")
            except Exception as error:
                raise AssertionError(f"in a fit that fails, on_fit_end raises {type(error).__name__}: {error}") from error
        fit(net, epochs=1)


def check_same_bits(callback: Callback) -> None:
    with nowhere():
        ends = []
        for _ in range(2):
            net = network()
            fit(net, described(callback))
            ends.append(net.parameters.copy())
    expect_same_bits(ends[1], ends[0], "parameters of a second run")
