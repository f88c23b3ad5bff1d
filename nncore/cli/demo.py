"""``nncore demo``: train on the bundled handwritten digits, and draw the result."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nncore.cli.arguments import natural, positive_integer
from nncore.cli.output import check_output, save_figure
from nncore.cli.terminal import labelled, notice, percent, say, seconds
from nncore.errors import MissingExtraError

if TYPE_CHECKING:
    from nncore.contract import History
    from nncore.network import Sequential

HIDDEN = 128
BATCH_SIZE = 32

#: Median test accuracy over seeds 0 to 9 of scikit-learn 1.9.1's MLPClassifier, with its defaults (relu, Adam, L2 1e-4) and the same
#: units, batches, epochs (30) and data. Measured by tests/cli/measure_digits_reference.py.
REFERENCE_ACCURACY = 0.984


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="train on handwritten digits and draw the result",
        description="Train a network on 1,352 handwritten digits, which come with nncore, and test it on 445 others.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", type=Path, default=Path("nncore-demo.png"), metavar="FILE.png", help="picture (default nncore-demo.png)")
    parser.add_argument("--epochs", type=positive_integer, default=30, metavar="N", help="number of epochs (default 30)")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="random seed (default 0)")
    parser.add_argument("--no-picture", dest="picture", action="store_false", help="do not draw a picture")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nncore.datasets import load_digits_split

    if arguments.picture:
        check_output(arguments.out)
    X_train, y_train, X_test, y_test = load_digits_split()
    say(labelled("data", f"handwritten digits of 8×8 pixels (UCI): {len(y_train)} for training, {len(y_test)} for testing"))
    say(labelled("network", f"64 → {HIDDEN} relu → 10; Adam, batches of {BATCH_SIZE}, seed {arguments.seed}"))
    start = time.perf_counter()
    network, history = train(X_train, y_train, (X_test, y_test), epochs=arguments.epochs, seed=arguments.seed)
    elapsed = time.perf_counter() - start
    if history.interrupted:
        notice(f"interrupted after {len(history)} of {arguments.epochs} epochs; no picture was drawn")
        return 130
    predicted = network.predict(inputs(X_test)).argmax(axis=1)
    accuracy = float((predicted == y_test).mean())
    say(labelled("trained", f"{len(history)} epochs in {seconds(elapsed)}"))
    say(labelled("test", f"accuracy {percent(accuracy)} ({int((predicted != y_test).sum())} of {len(y_test)} misread)"))
    say(
        labelled(
            "reference", f"{percent(REFERENCE_ACCURACY)}: scikit-learn's MLPClassifier, same size, same data, 30 epochs, median of 10 seeds"
        )
    )
    if arguments.picture:
        _draw(arguments.out, history, X_test, y_test, predicted)
    return 0


def inputs(X: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 1 in rows, ``(n, 64)``."""
    return X.reshape(len(X), -1) / np.float32(16)


def train(
    X: np.ndarray, y: np.ndarray, test: tuple[np.ndarray, np.ndarray], *, epochs: int, seed: int, progress: bool = True
) -> tuple[Sequential, History]:
    """The demonstration's network and its history.

    The test set is scored after each epoch only to draw its curve. It selects nothing: the network is that of the last epoch.
    """
    from nncore.callbacks.progress_bar import ProgressBar
    from nncore.layers.dense import Dense
    from nncore.network import Sequential

    network = Sequential(Dense(HIDDEN, activation="relu"), Dense(10))
    history = network.fit(
        inputs(X),
        y,
        loss="softmax_cross_entropy",
        optimizer="adam",
        epochs=epochs,
        batch_size=BATCH_SIZE,
        validation=(inputs(test[0]), test[1]),
        weight_decay=1e-4,
        rng=seed,
        callbacks=[ProgressBar(delay=0)] if progress else [],  # the default bar waits half a second; this fit is shorter
        progress=False,
    )
    return network, history


def _draw(path: Path, history: History, X: np.ndarray, y: np.ndarray, predicted: np.ndarray) -> None:
    """Write the picture, or say how to get one."""
    from nncore.cli.demo_picture import draw

    try:
        figure = draw(history, X, y, predicted)
    except MissingExtraError as error:
        say(labelled("picture", f"not drawn: {error}"))
        return
    save_figure(figure, path)
    say(labelled("picture", str(path)))
