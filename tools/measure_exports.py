#!/usr/bin/env python3
"""What a prediction for one sample costs in nncore and in exported files, and what an exported header takes on a Cortex-M4.

``tools/measure_exports.py`` prints two tables in Markdown, for `docs/how-to/export-c.md`. It needs GCC; ONNX Runtime, scikit-learn and
``arm-none-eabi-gcc`` are left out where they are missing. Times are the shortest of many rounds, taken in turn, on one thread.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import nncore as nn
from nncore.cli import demo
from nncore.datasets import load_digits_split

CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
#: Predictions that C makes in one call from Python.
IN_C = 1000


def networks() -> dict[str, tuple[nn.Sequential, np.ndarray]]:
    """The network of `nncore demo`, and a small one, each with a sample."""
    X_train, y_train, X_test, y_test = load_digits_split()
    digits, _ = demo.train(X_train, y_train, (X_test, y_test), epochs=2, seed=0, progress=False)
    small = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(16, activation="tanh"), nn.Dense(1)).build(8, rng=0)
    return {"64-128-10": (digits, demo.inputs(X_test[:1])), "8-16-16-1": (small, np.linspace(-1, 1, 8, dtype="float32")[None])}


def in_c(net: nn.Sequential, folder: Path) -> Callable[[np.ndarray], None]:
    """`IN_C` predictions of the exported header."""
    net.export(folder / "net.h")
    call = 'for (int i = 0; i < n; i++) { net_predict(X, y); __asm__ volatile("" : : "r"(y) : "memory"); }'
    (folder / "run.c").write_text(f'#include "net.h"\nvoid run(const float *X, float *y, int n) {{ {call} }}\n')
    subprocess.run(["gcc", "-std=c99", "-O3", "-shared", "-fPIC", "run.c", "-o", "run.so"], cwd=folder, check=True)
    library, y = ctypes.CDLL(str(folder / "run.so")), np.empty(net.output_shape, "float32")
    to = y.ctypes.data_as(ctypes.c_void_p)
    return lambda X: library.run(X.ctypes.data_as(ctypes.c_void_p), to, IN_C)


def in_numpy(net: nn.Sequential, folder: Path) -> Callable[[np.ndarray], object]:
    """A prediction of the exported module."""
    net.export(folder / "net.py")
    module = ModuleType("net")
    exec((folder / "net.py").read_text(), vars(module))
    predict: Callable[[np.ndarray], object] = module.predict
    return predict


def in_onnx(net: nn.Sequential, folder: Path) -> Callable[[np.ndarray], object]:
    """A prediction by ONNX Runtime."""
    import onnxruntime

    net.export(folder / "net.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "net.onnx", options, providers=["CPUExecutionProvider"])
    return lambda X: session.run(["predict"], {"X": X})


def in_sklearn(net: nn.Sequential, X: np.ndarray) -> Callable[[np.ndarray], object]:
    """A prediction of scikit-learn's network of the same sizes."""
    from sklearn.neural_network import MLPRegressor

    widths = [layer.n_outputs for layer in net.layers if isinstance(layer, nn.Dense)]
    activation = "relu" if "relu" in repr(net).lower() else "tanh"
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(hidden_layer_sizes=widths[:-1], activation=activation, max_iter=1).fit(
            rng.normal(size=(50, X.shape[1])).astype("float32"), rng.normal(size=(50, widths[-1])).squeeze().astype("float32")
        )
    predict: Callable[[np.ndarray], object] = model.predict
    return predict


def shortest(runs: dict[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, float]:
    """Microseconds of one prediction, the least of rounds that are taken in turn; each run makes so many."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, (run, n) in runs.items():
            begin = time.perf_counter()
            run()
            best[name] = min(best[name], (time.perf_counter() - begin) / n)
    return {name: seconds * 1e6 for name, seconds in best.items()}


def latencies(net: nn.Sequential, X: np.ndarray, folder: Path, rounds: int) -> dict[str, float]:
    """Microseconds for each way to predict."""
    run, module, sample = in_c(net, folder), in_numpy(net, folder), X[0]
    runs: dict[str, tuple[Callable[[], object], int]] = {
        "exported C": (lambda: run(X), IN_C),
        "`predict_one`": (lambda: net.predict_one(sample), 1),
        "exported NumPy module": (lambda: module(X), 1),
    }
    try:
        session = in_onnx(net, folder)
        runs["exported ONNX, ONNX Runtime"] = (lambda: session(X), 1)
    except (ImportError, nn.errors.MissingExtraError):
        pass
    try:
        theirs = in_sklearn(net, X)
        runs["scikit-learn, `predict`"] = (lambda: theirs(X), 1)
    except ImportError:
        pass
    return shortest(runs, rounds)


def sizes(net: nn.Sequential, folder: Path) -> tuple[int, int, int]:
    """Bytes of flash, of memory for data, and of stack for numbers on the way."""
    net.export(folder / "net.h")
    body = "void predict(const float *X, float *y);\nvoid predict(const float *X, float *y) { net_predict(X, y); }\n"
    (folder / "m4.c").write_text(f'#include "net.h"\n{body}')
    subprocess.run(["arm-none-eabi-gcc", "-std=c99", "-Os", *CORTEX_M4, "-c", "m4.c", "-o", "m4.o"], cwd=folder, check=True)
    text, data, bss = map(int, subprocess.check_output(["arm-none-eabi-size", "m4.o"], cwd=folder, text=True).splitlines()[1].split()[:3])
    stack = re.search(r"#define NET_STACK_BYTES (\d+)", (folder / "net.h").read_text())
    assert stack is not None
    return text + data, data + bss, int(stack[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3000)
    rounds = parser.parse_args().rounds
    nn.set_num_threads(1)
    found, taken = {}, {}
    for name, (net, X) in networks().items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = latencies(net, X, Path(folder), rounds)
            if shutil.which("arm-none-eabi-gcc"):
                taken[name] = sizes(net, Path(folder))
    print(f"| µs a sample | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    for target in next(iter(found.values())):
        print(f"| {target} | {' | '.join(f'{one[target]:.3g}' for one in found.values())} |")
    if taken:
        print("\n| network | flash | RAM | stack |\n|---|---|---|---|")
        for name, (flash, ram, stack) in taken.items():
            print(f"| {name} | {flash:,} | {ram:,} | {stack:,} |")


if __name__ == "__main__":
    main()
