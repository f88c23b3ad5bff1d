"""A plugin in two versions, and networks saved with it, for tests of files from older versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.training import Training

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)

#: One component of each kind that a file can hold; `{name}` is the argument that the second version renamed.
SOURCE = """
import numpy as np
from nncore.plugin import Activation, Constraint, Layer, Loss, Optimizer, Plan, Regularizer, Schedule, resolve

NNCORE_API = (1, 0)

class Mended:
    def __init__(self, {name}=0.5, inner=None):
        self.{name} = {name}
        self.inner = inner

    @classmethod
    def upgrade(cls, config, version):
        assert version == "1.0", version
        return {{("rate" if key == "speed" else key): value for key, value in config.items()}}

class Old(Mended, Optimizer):
    n_slots = 2
    def __init__(self, lr=0.1, {name}=0.5, inner=None):
        super().__init__({name}, inner)
        self.lr = lr
    def step(self, w, g, state, t):
        w -= self.lr * g
        state += 1

class Slow(Mended, Schedule):
    def factor(self, step, n_steps):
        return np.full(np.shape(step), self.{name})
    def state(self):
        return {{"seen": 3.0}}
    def restore(self, state):
        pass

class Soft(Mended, Loss):
    targets = "labels"
    link = "softmax"
    def forward(self, output, target):
        return -np.log(self._p(output)[np.arange(len(target)), target])
    def backward(self, output, target):
        p = self._p(output)
        p[np.arange(len(target)), target] -= 1
        return p
    def _p(self, output):
        e = np.exp(output - output.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

class Same(Mended, Layer):
    def plan(self, input_shape):
        return Plan(input_shape)
    def forward(self, call):
        call.y[...] = call.x
    def backward(self, call):
        if call.d_x is not None:
            call.d_x[...] = call.d_y

class Curve(Mended, Activation):
    needs_input = True
    def forward(self, z):
        return z * abs(z)
    def backward(self, z, a, d_a):
        return 2 * abs(z) * d_a

class Pull(Mended, Regularizer):
    def value(self, w):
        return float(self.{name} * (w**2).sum())
    def add_gradient(self, w, g):
        g += 2 * self.{name} * w

class Box(Mended, Constraint):
    def project(self, w, rate):
        np.clip(w, -self.{name}, self.{name}, out=w)

@hookimpl
def nncore_regularizers(api): return [Component("pull", "nncore_years:Pull")]
@hookimpl
def nncore_constraints(api): return [Component("box", "nncore_years:Box")]
@hookimpl
def nncore_optimizers(api): return [Component("old", "nncore_years:Old")]
@hookimpl
def nncore_schedules(api): return [Component("slow", "nncore_years:Slow")]
@hookimpl
def nncore_losses(api): return [Component("soft", "nncore_years:Soft")]
@hookimpl
def nncore_layers(api): return [Component("same", "nncore_years:Same")]
@hookimpl
def nncore_activations(api): return [Component("curve", "nncore_years:Curve")]
"""


@contextmanager
def plugin(folder: Path, version: str) -> Iterator[None]:
    """Install nncore-years in a version; the argument of its components is called speed in 1.0, and rate from 2.0 on."""
    folder.mkdir()
    with open_site(folder) as site:
        site.write("nncore-years", SOURCE.format(name="speed" if version == "1.0" else "rate"), version=version)
        registry.reload()
        try:
            yield
        finally:
            registry.registry._default = None


def trained(**parts: object) -> nn.Sequential:
    """A network after two of three epochs, with the plugin's optimizer, schedule and loss unless `parts` names others."""
    named = {"loss": "soft", "optimizer": "old", "schedule": "slow"} | parts
    network = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
    network.fit(X, Y, **named, epochs=3, batch_size=20, rng=0, progress=False, callbacks=[_stop_after_two])
    return network


def _stop_after_two(training: Training) -> None:
    if training.epoch == 2:
        training.stop("enough")
