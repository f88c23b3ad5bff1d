"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nncore.arguments import shown
from nncore.errors import ParameterError
from nncore.plugin import Callback

EVENTS = ("on_fit_begin", "on_progress", "on_epoch_end", "on_fit_end")


class LambdaCallback(Callback):
    """Call your own functions during a fit; ``callbacks=[function]`` is short for ``LambdaCallback(on_epoch_end=function)``.

    Parameters
    ----------
    on_fit_begin, on_progress, on_epoch_end, on_fit_end : callable or None, default None
        Called as ``function(training)`` before the first epoch, about twenty times a second between two steps, after each epoch, and at the
        end. `training` is the running `nncore.training.Training`.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> def good_enough(training):
    ...     if training.history["loss"][-1] < 0.01:
    ...         training.stop("good enough")
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> net = nn.Sequential(nn.Dense(1))
    >>> net.fit(X, 3 * X, loss="mse", optimizer=nn.Adam(lr=0.1), epochs=500, rng=0, callbacks=[good_enough]).stop_reason
    'good enough'
    """

    def __init__(
        self,
        on_fit_begin: Callable[[Any], object] | None = None,
        on_progress: Callable[[Any], object] | None = None,
        on_epoch_end: Callable[[Any], object] | None = None,
        on_fit_end: Callable[[Any], object] | None = None,
    ) -> None:
        functions = dict(zip(EVENTS, (on_fit_begin, on_progress, on_epoch_end, on_fit_end), strict=True))
        # A function in the instance hides the method of the class, which does nothing.
        vars(self).update({event: function for event, function in functions.items() if function is not None})

    def config(self) -> dict[str, Any]:
        return {event: vars(self).get(event) for event in EVENTS}

    def validate(self) -> None:
        for event, function in self.config().items():
            if function is not None and not callable(function):
                raise ParameterError(f"LambdaCallback: {event} must be a function of the running training, got {shown(function)}")
