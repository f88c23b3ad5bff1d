#!/usr/bin/env python3
"""Look for memory that is not given back: build, fit, predict, save, load and drop networks and estimators, many times.

``tools/leaks.py --fits 10000`` prints the resident memory (RSS) before and after, per kind of life, and fails if it grew by more than
``--most-megabytes`` in all. It needs Linux, which tells a process its memory in ``/proc``.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import ctypes
import gc
import os
import pickle
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import nncore as nn
from nncore import estimators
from nncore.errors import NNCoreError

C_LIBRARY = ctypes.CDLL(None)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))
LABELS = (X[:, 0] > 0).astype(int)
VALUES = X @ [1.0, -1.0, 0.5, 0.0]
FRAME = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(c=np.where(LABELS, "u", "v"), d=np.where(X[:, 2] > 1, np.nan, X[:, 2]))


class Interruption(Exception):
    """What a callback raises in the middle."""


def raises(training: object) -> None:
    raise Interruption


def network(*front: nn.Layer) -> nn.Sequential:
    return nn.Sequential(*front, nn.Dense(16, "relu"), nn.Dropout(0.1), nn.BatchNorm(), nn.Dense(2))


def life_of_a_network() -> None:
    """Built, trained, asked, written, read, copied and pickled."""
    net = network()
    net.fit(X, LABELS, loss="softmax_cross_entropy", optimizer="adam", epochs=2, batch_size=16, validation=(X, LABELS), progress=False)
    net.predict(X)
    net.predict_one(X[0].astype(np.float32))
    net.evaluate(X, LABELS)
    net.train_on_batch(X, LABELS)
    net.input_gradients(X, output=0)
    net.save(FOLDER / "net.nncore")
    loaded = nn.load(FOLDER / "net.nncore")
    loaded.predict(X)
    copy.deepcopy(net).fit(X, LABELS, epochs=1, progress=False, sampler="balanced", transforms=["gaussian_noise"], schedule="cosine")
    pickle.loads(pickle.dumps(net)).predict(X)


def life_with_errors() -> None:
    """Ended by a callback, by numbers that are not finite, and by data that are refused."""
    net = network()
    with contextlib.suppress(Interruption):
        net.fit(X, LABELS, loss="softmax_cross_entropy", epochs=2, callbacks=[raises], progress=False)
    for y, weight in ((LABELS, None), (LABELS + 7, None), (LABELS, np.full(64, np.nan))):
        with contextlib.suppress(NNCoreError), np.errstate(all="ignore"):
            net.fit(X, y, sample_weight=weight, optimizer=nn.SGD(lr=1e30), epochs=5, progress=False)
    with contextlib.suppress(NNCoreError):
        net.predict(X[:, :2])
    with contextlib.suppress(NNCoreError, FileNotFoundError):
        nn.load(FOLDER / "none.nncore")


def life_on_threads() -> None:
    """Two networks trained at once, in threads that end."""
    nets = [network() for _ in range(2)]

    def train(net: nn.Sequential) -> None:
        net.fit(X, LABELS, loss="softmax_cross_entropy", epochs=1, n_threads=2, progress=False)

    threads = [threading.Thread(target=train, args=(net,)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def life_of(name: str) -> Callable[[], None]:
    """An estimator's: fitted twice, asked, scored, pickled, and ended by an error."""
    cls = getattr(estimators, name)

    def live() -> None:
        if not hasattr(cls, "fit"):
            cls([1.0, 2.0, 3.0, 4.0]).predict(X)
            return
        is_perceptron, is_ensemble = name.startswith("MLP"), name.startswith(("RealMLP", "TabM"))
        is_network = is_perceptron or is_ensemble
        given, y = (FRAME if is_network else X), (VALUES if name.endswith("Regressor") else LABELS)
        short = {"hidden_layer_sizes": (8,), "max_iter": 2} if is_network else {"max_epochs": 5}
        short |= {"standardize": True} if is_perceptron else {"preset": "fast"} if name.startswith("RealMLP") else {}
        model = cls(**short).fit(given, y)
        model.predict(given)
        model.score(given, y)
        pickle.loads(pickle.dumps(model)).predict(given)
        with contextlib.suppress(ValueError):
            model.fit(given, np.full(len(y), np.nan))
        if is_perceptron:
            cls(**short, solver="lbfgs").fit(given, y)
        if is_network:
            with contextlib.suppress(Interruption):
                cls(**short, callbacks=[raises]).fit(given, y)

    return live


LIVES: dict[str, Callable[[], None]] = {
    "network": life_of_a_network,
    "errors": life_with_errors,
    "threads": life_on_threads,
    **{name: life_of(name) for name in estimators.__all__ if isinstance(getattr(estimators, name), type)},
}


def resident() -> float:
    """Megabytes in memory, after what is garbage is gone and what the C library keeps of freed memory is given back."""
    gc.collect()
    if hasattr(C_LIBRARY, "malloc_trim"):
        C_LIBRARY.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=10_000, help="lives in all, shared out over the kinds")
    parser.add_argument("--most-megabytes", type=float, default=8.0, help="growth that is allowed, in all")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    each = max(1, asked.fits // len(LIVES))
    for live in LIVES.values():  # what is made once, and arenas that the allocator keeps
        for _ in range(min(each, 60)):
            live()
    begin, files, n_threads = resident(), open_files(), threading.active_count()
    before, started = begin, time.process_time()
    for name, live in LIVES.items():
        for _ in range(each):
            live()
        after = resident()
        print(f"{name:16} {each:6} lives: {before:7.1f} MB before, {after:7.1f} MB after", flush=True)
        before = after
    growth = before - begin
    print(f"{'all':16} {each * len(LIVES):6} lives: {begin:7.1f} MB before, {before:7.1f} MB after: {growth:+.1f} MB")
    more_files, more_threads = open_files() - files, threading.active_count() - n_threads
    print(f"{more_files:+} open files, {more_threads:+} threads, {time.process_time() - started:.0f} s of CPU")
    return int(growth > asked.most_megabytes or more_files > 0 or more_threads > 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        FOLDER = Path(folder)
        sys.exit(main())
