"""Records when Keras' EarlyStopping stops, as data for test_keras.py; run with a Python that has Keras when a case is added.

Every case is a fit with given losses, whose weights are the number of the epoch.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

#: Arguments with the same names in Keras and nncore.
ARGUMENTS: list[dict[str, Any]] = [
    {"patience": 3},
    {"patience": 2, "baseline": 0.8},
    {"patience": 4, "baseline": 0.2},
    {"patience": 2, "start_from_epoch": 5},
    {"patience": 3, "min_delta": 0.1, "baseline": 0.7, "start_from_epoch": 2},
    {"patience": 1, "baseline": 2.0, "start_from_epoch": 1},
]


def stopped(arguments: dict[str, Any], losses: list[float]) -> dict[str, int]:
    """Number of epochs of a fit, and the epoch whose weights are restored, from 1."""
    network = SimpleNamespace(weights=0, stop_training=False)
    network.get_weights = lambda: network.weights
    network.set_weights = lambda weights: setattr(network, "weights", weights)
    callback = keras.callbacks.EarlyStopping("val_loss", mode="min", restore_best_weights=True, **arguments)
    callback.set_model(network)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        network.weights = epoch + 1
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if network.stop_training:
            break
    callback.on_train_end()
    return {"epochs": epoch + 1, "restored": network.weights}


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    falling = (np.linspace(1, 0, 30) + rng.normal(scale=0.05, size=30)).round(3).tolist()
    noisy = rng.uniform(size=(3, 30)).round(3).tolist()
    late = [3.0, 2.0, 1.0, *(1.5 - 0.01 * np.arange(20)).round(3).tolist(), *[0.1] * 7]
    cases = [
        {"arguments": arguments, "losses": losses, **stopped(arguments, losses)}
        for arguments in ARGUMENTS
        for losses in (falling, late, *noisy)
    ]
    text = json.dumps({"keras": keras.__version__, "cases": cases})
    Path(__file__).with_name("keras_stops.json").write_text(text.replace('{"arguments"', '\n{"arguments"') + "\n")
