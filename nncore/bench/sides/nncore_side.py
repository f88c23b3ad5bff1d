"""nncore, through its public interface."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nncore import __version__, fit_many
from nncore._core import native
from nncore.layers.dense import Dense
from nncore.layers.mean_members import MeanMembers
from nncore.layers.member_heads import MemberHeads
from nncore.layers.members_dense import MembersDense
from nncore.layers.repeat_members import RepeatMembers
from nncore.network import Sequential
from nncore.plugin import Layer, LayerCall, Plan
from nncore.testing import tables

from . import data

#: Epochs timed together.
N_EPOCHS = 200
#: Floating-point operations of the calls of a kernel that are timed together: some milliseconds.
KERNEL_FLOPS = 2e8

_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        del flavour
        self.n_threads = n_threads
        self.versions = {"nncore": __version__}

    def training(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = data.samples(task)
        network, n_steps = _network(task), -(-len(X) // task["batch"])
        arguments: dict[str, Any] = {"batch_size": task["batch"], "shuffle": n_steps > 1, "n_threads": self.n_threads, "progress": False}
        arguments["precision"] = task.get("precision")
        network.build(X.shape[1], loss=task["loss"], optimizer="adam", rng=0)
        return lambda: float(network.fit(X, y, epochs=1, **arguments).whole()["seconds"][0]) / n_steps

    def members(self, task: dict[str, Any]) -> Callable[[], float]:
        """A step of TabM."""
        return self.training(task)

    def prediction(self, task: dict[str, Any]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        X, _ = data.samples(task)
        network = _network(task).build(X.shape[1], loss=task["loss"], rng=0)
        network = network.quantize(X) if task.get("precision") == "int8" else network
        return (network.predict_one, X[0]) if len(X) == 1 else (network.predict, X)

    def call(self, task: dict[str, Any]) -> tuple[Callable[[Any], object], Any]:
        X, y = data.samples(task)
        network = _network(task).build(X.shape[1], loss=task["loss"], optimizer="adam", rng=0)

        def train_on_batch(batch: tuple[np.ndarray, np.ndarray]) -> float:
            return network.train_on_batch(*batch)

        def in_parts(batch: tuple[np.ndarray, np.ndarray]) -> float:
            network.forward(batch[0], training=True)
            loss = network.backward(batch[1])
            network.step()
            return loss

        calls: dict[str, tuple[Callable[[Any], object], Any]] = {
            "train_on_batch": (train_on_batch, (X, y)),
            "forward, backward, step": (in_parts, (X, y)),
            "predict": (network.predict, X[:1]),
            "predict_one": (network.predict_one, X[0]),
        }
        return calls[task["call"]]

    def estimator(self, task: dict[str, Any]) -> tuple[Callable[[Any], object], Any]:
        from nncore.estimators import MLPClassifier

        from . import estimators

        return estimators.call(MLPClassifier, task)

    def fit(self, task: dict[str, Any]) -> Callable[[], float]:
        from nncore.estimators import MLPClassifier

        from . import estimators

        return estimators.fit(MLPClassifier, task)

    def epoch(self, task: dict[str, Any]) -> Callable[[], float]:
        """Processor seconds of an epoch with validation: of many epochs, without what a fit of one takes."""
        rng = np.random.default_rng(0)
        n_rows, n_all = task["rows"], task["rows"] + task["validation_rows"]
        X, y = rng.standard_normal((n_all, task["widths"][0]), np.float32), rng.integers(task["widths"][-1], size=n_all)
        network = _network(task).build(X.shape[1], loss="softmax_cross_entropy", optimizer="adam", rng=0)
        arguments = {"batch_size": task["batch"], "n_threads": self.n_threads, "progress": False, "validation": (X[n_rows:], y[n_rows:])}
        shortest = float("inf")

        def seconds(n_epochs: int) -> float:
            start = time.process_time()
            network.fit(X[:n_rows], y[:n_rows], epochs=n_epochs, **arguments).whole()
            return time.process_time() - start

        def run() -> float:
            nonlocal shortest
            shortest = min(shortest, seconds(1))
            return (seconds(1 + N_EPOCHS) - shortest) / N_EPOCHS

        return run

    def many(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = data.samples(task)
        networks = [_network(task).build(X.shape[1], loss=task["loss"], optimizer="adam", rng=seed) for seed in range(task["networks"])]
        arguments = {"batch_size": task["batch"], "epochs": 20, "n_threads": task["threads"], "progress": False}

        def run() -> float:
            start = time.perf_counter()
            if len(networks) == 1:
                networks[0].fit(X, y, **arguments).whole()
            else:
                fit_many(networks, X, y, **arguments)
            return time.perf_counter() - start

        return run

    def product(self, task: dict[str, Any]) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """A prediction of one dense layer."""
        X, _ = data.samples(task)
        return Sequential(Dense(task["widths"][1])).build(X.shape[1], rng=0).predict, X

    def kernel(self, task: dict[str, Any]) -> Callable[[], float]:
        """The function of a dense layer, called by a layer in Python: a run lends the memory in which products pack."""
        X, _ = data.samples(task)
        ((weight, bias),) = data.parameters(task)
        n_inputs, n_outputs = weight.shape
        forward = tables.layer(Dense.kernel.load()).forward_f32.prepared(
            x=X, parameters=np.concatenate([weight.ravel(), bias]), y=np.empty((len(X), n_outputs), np.float32), hyper=np.ones(1),
            n_rows=len(X), n_inputs=n_inputs, n_outputs=n_outputs, end_column=n_outputs, end_parameter=weight.size + bias.size,
        )  # fmt: skip
        n_calls, measured = max(1, round(KERNEL_FLOPS / (2 * len(X) * weight.size))), [0.0]

        class Inside(Layer):
            """Times the function for as long as a prediction lasts."""

            def plan(self, input_shape: tuple[int, ...]) -> Plan:
                return Plan(input_shape)

            def forward(self, call: LayerCall) -> None:
                start = time.perf_counter()
                for _ in range(n_calls):
                    forward()
                measured[0] = (time.perf_counter() - start) / n_calls
                call.y[...] = call.x

        network, one = Sequential(Inside()).build(1, rng=0), np.ones((1, 1), np.float32)

        def run() -> float:
            network.predict(one)
            return measured[0]

        return run

    def flop(self, task: dict[str, Any]) -> float:
        """Seconds of one floating-point operation at the peak of one core."""
        return 1 / native.peak_flops(False, 0.05)

    def memory(self, task: dict[str, Any]) -> int:
        """Peak memory of one epoch over the task's data in bytes, in addition to that of the process with the data."""
        X, y = data.samples(task)
        network = _network(task)
        network.fit(X[:4096], y[:4096], loss=task["loss"], batch_size=task["batch"], epochs=1, progress=False).whole()
        before = _resident_bytes()
        network.fit(X, y, batch_size=task["batch"], epochs=1, n_threads=self.n_threads, progress=False).whole()
        return max(0, _peak_bytes() - before)


def _network(task: dict[str, Any]) -> Sequential:
    *hidden, n_outputs = task["widths"][1:]
    if "members" in task:
        shared = [MembersDense(width, activation=task["activation"]) for width in hidden]
        return Sequential(RepeatMembers(task["members"]), *shared, MemberHeads(n_outputs), MeanMembers())
    return Sequential(*(Dense(width, activation=task.get("activation", "relu")) for width in hidden), Dense(n_outputs))


def _resident_bytes() -> int:
    """Current memory of the process. Resets its peak if the system supports that."""
    if not _STATUS.exists():
        return _peak_bytes()
    _REFERENCES.write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak_bytes() -> int:
    if _STATUS.exists():
        return _status("VmHWM")
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status(field: str) -> int:
    lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines[field].split()[0]) * 1024
