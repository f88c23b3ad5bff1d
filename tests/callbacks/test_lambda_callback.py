from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError

X = np.random.default_rng(0).normal(size=(30, 3))


def fit(*callbacks: Any, epochs: int = 2) -> nn.History:
    return nn.Sequential(nn.Dense(1)).fit(X, X[:, 0], loss="mse", epochs=epochs, callbacks=callbacks, progress=False, rng=0)


def test_functions_are_called_with_the_training():
    calls: list[tuple[str, int]] = []

    def note(event: str) -> Any:
        return lambda training: calls.append((event, training.epoch))

    fit(nn.LambdaCallback(**{event: note(event) for event in ("on_fit_begin", "on_progress", "on_epoch_end", "on_fit_end")}))
    assert list(dict.fromkeys(calls)) == [
        ("on_fit_begin", 0), ("on_progress", 1), ("on_epoch_end", 1), ("on_progress", 2), ("on_epoch_end", 2), ("on_fit_end", 2),
    ]  # fmt: skip


def test_a_function_by_itself_is_for_the_end_of_epochs():
    epochs: list[int] = []
    fit(lambda training: epochs.append(training.epoch))
    assert epochs == [1, 2]


def test_none_of_them_does_nothing():
    assert len(fit(nn.LambdaCallback(), "lambda")) == 2


def test_it_says_what_it_calls():
    assert (
        repr(nn.LambdaCallback(on_fit_end=print))
        == "LambdaCallback(on_fit_begin=None, on_progress=None, on_epoch_end=None, on_fit_end=print)"
    )
    assert nn.LambdaCallback(on_fit_end=print).config()["on_fit_end"] is print


def test_what_cannot_be_called():
    with pytest.raises(ParameterError, match="on_epoch_end must be a function"):
        nn.LambdaCallback(on_epoch_end=3)
