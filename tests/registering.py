"""Common tools for tests of run-time registration: classes to register, and a way to remove them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from nncore.plugin import (
    Activation,
    Callback,
    Collective,
    Configurable,
    Constraint,
    Encoding,
    Exporter,
    Format,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Plan,
    Regularizer,
    Sampler,
    Schedule,
    Transform,
)  # fmt: skip
from nncore.registry.registry import RUN_TIME


@contextmanager
def forgetting() -> Iterator[None]:
    """Remove everything that is registered inside, at the end."""
    try:
        yield
    finally:
        for registration in RUN_TIME.registered():
            RUN_TIME.remove(registration.kind, registration.component.name)


class MyLayer(Layer):
    def plan(self, input_shape):
        return Plan(input_shape)

    def forward(self, call):
        np.multiply(call.x, 2, out=call.y)

    def backward(self, call):
        if call.d_x is not None:
            np.multiply(call.d_y, 2, out=call.d_x)


class MySquare(Activation):
    needs_input = True

    def forward(self, z):
        return z * z

    def backward(self, z, a, d_a):
        return 2 * z * d_a


class MyLoss(Loss):
    """Half the squared error."""

    def forward(self, output, target):
        return ((output - target) ** 2).sum(axis=1) / 2

    def backward(self, output, target):
        return output - target


class MyInitializer(Initializer):
    def sample(self, rng, shape, fan_in, fan_out):
        return np.full(shape, 0.5)


class MyDescent(Optimizer):
    """w −= lr·g, with a state that counts."""

    ranges = {"lr": "[0, inf)"}
    n_slots = 1

    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, w, g, state, t):
        w -= self.lr * g
        state += 1


class MyQuartic(Regularizer):
    """Σw⁴."""

    def value(self, w):
        return float(np.sum(w**4))

    def add_gradient(self, w, g):
        g += 4 * w**3


class MyBox(Constraint):
    """Weights between -1 and 1."""

    def project(self, w, rate):
        np.clip(w, -1, 1, out=w)

    def is_feasible(self, w):
        return np.abs(w) <= 1


class MySchedule(Schedule):
    def factor(self, step, n_steps):
        return 1 / (1 + np.asarray(step))


class MySampler(Sampler):
    def order(self, samples, seed, epoch):
        return np.arange(samples.n_samples)[::-1]


class MyTransform(Transform):
    def apply(self, call):
        call.x *= 0.5


class MyEncoding(Encoding):
    """Half of each number."""

    def encode(self, columns, learned, out):
        np.multiply(columns, 0.5, out=out)


class MyMetric(Metric):
    higher_is_better = False

    def score(self, output, target, sample_weight=None):
        return float(np.abs(output - target).max())


class MyCallback(Callback):
    pass


class MyFormat(Format):
    suffixes = (".mine",)

    def encode(self, document, tensors):
        raise NotImplementedError

    def decode(self, data):
        raise NotImplementedError


class MyCollective(Collective):
    rank, size = 0, 1

    def exchange(self, peer, sent, received):
        raise NotImplementedError

    def abort(self, reason):
        raise NotImplementedError


class MyExporter(Exporter):
    suffixes = (".mine",)

    def export(self, graph):
        raise NotImplementedError


#: A class of every kind, to register.
CLASSES: dict[str, type[Configurable]] = {
    "layers": MyLayer,
    "activations": MySquare,
    "losses": MyLoss,
    "initializers": MyInitializer,
    "optimizers": MyDescent,
    "regularizers": MyQuartic,
    "constraints": MyBox,
    "schedules": MySchedule,
    "samplers": MySampler,
    "transforms": MyTransform,
    "encodings": MyEncoding,
    "metrics": MyMetric,
    "callbacks": MyCallback,
    "collectives": MyCollective,
    "formats": MyFormat,
    "exporters": MyExporter,
}
