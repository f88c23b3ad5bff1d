"""One small component of every kind."""

import io
import json
import zipfile
from typing import ClassVar

import numpy as np

from nncore.errors import FileFormatError
from nncore.plugin import (
    Activation,
    Callback,
    Collective,
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
)


class Doubling(Layer):
    def __init__(self, inner=None):
        self.inner = inner

    def plan(self, input_shape):
        return Plan(input_shape)

    def forward(self, call):
        np.multiply(call.x, 2, out=call.y)

    def backward(self, call):
        if call.d_x is not None:
            np.multiply(call.d_y, 2, out=call.d_x)


class Cube(Activation):
    needs_input = True

    def forward(self, z):
        return z**3

    def backward(self, z, a, d_a):
        return 3 * z**2 * d_a


class MeanAbsoluteError(Loss):
    def forward(self, output, target):
        return np.abs(output - target).sum(axis=1)

    def backward(self, output, target):
        return np.sign(output - target)


class Ones(Initializer):
    def sample(self, rng, shape, fan_in, fan_out):
        return np.ones(shape)


class SignDescent(Optimizer):
    ranges: ClassVar = {"lr": "[0, inf)"}

    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, w, g, state, t):
        w -= self.lr * np.sign(g)


class Backwards(Sampler):
    def order(self, samples, seed, epoch):
        return np.arange(samples.n_samples)[::-1]


class Solo(Collective):
    rank, size = 0, 1

    def exchange(self, peer, sent, received):
        raise NotImplementedError

    def abort(self, reason):
        raise SystemExit(reason)


class Fading(Transform):
    def apply(self, call):
        call.x *= 0.5


class Halves(Encoding):
    def encode(self, columns, learned, out):
        np.multiply(columns, 0.5, out=out)


class LargestError(Metric):
    higher_is_better = False

    def score(self, output, target, sample_weight=None):
        return float(np.abs(output - target).max())


class Silence(Callback):
    pass


class Quartic(Regularizer):
    def value(self, w):
        return float(np.sum(w**4))

    def add_gradient(self, w, g):
        g += 4 * w**3


class Box(Constraint):
    def project(self, w, rate):
        np.clip(w, -1, 1, out=w)


class Halving(Schedule):
    def factor(self, step, n_steps):
        return 0.5 ** np.minimum(step, 60)


class Npz(Format):
    suffixes = (".npz",)

    def encode(self, document, tensors):
        buffer = io.BytesIO()
        np.savez(buffer, document=np.array(json.dumps(document)), **{name.replace("/", "|"): array for name, array in tensors.items()})
        return buffer.getvalue()

    def decode(self, data):
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {name.replace("|", "/"): archive[name] for name in archive.files}
            return json.loads(str(arrays.pop("document"))), arrays
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise FileFormatError(f"it is not an archive of a network: {error}") from error


class Listing(Exporter):
    suffixes = (".listing",)

    def export(self, graph):
        return "\n".join(node.operation for node in graph.nodes).encode()
