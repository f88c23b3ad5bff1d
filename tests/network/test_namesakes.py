"""If a plugin and nncore have components of one name, files restore the one that was saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.errors import MissingPluginError, PluginWarning

#: A momentum that differs from nncore's, and an activation.
SOURCE = """
import numpy as np
from nncore.plugin import Activation, Optimizer

NNCORE_API = (1, 0)

class Momentum(Optimizer):
    n_slots = 1
    def __init__(self, lr=0.5):
        self.lr = lr
    def step(self, w, g, state, t):
        w -= self.lr * np.sign(g)

class Tanh(Activation):
    needs_input = True
    def forward(self, z):
        return 2 * z
    def backward(self, z, a, d_a):
        return 2 * d_a

@hookimpl
def nncore_optimizers(api): return [Component("momentum", "nncore_namesakes:Momentum")]

@hookimpl
def nncore_activations(api): return [Component("tanh", "nncore_namesakes:Tanh")]
"""
X = np.random.default_rng(0).normal(size=(20, 3))


@contextmanager
def plugin(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with open_site(folder) as site:
        site.write("nncore-namesakes", SOURCE)
        registry.reload(only=["nncore-namesakes"])
        yield


def trained(prefix: str) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(4, activation=f"{prefix}tanh"), nn.Dense(1))
    net.fit(X, X[:, :1], loss="mse", optimizer=f"{prefix}momentum", epochs=2, batch_size=5, rng=0, progress=False)
    return net


def test_installing_it_changes_nothing_for_bare_names(tmp_path: Path) -> None:
    alone = trained("")
    with plugin(tmp_path / "site"):
        beside = trained("")
        assert type(beside.optimizer) is nn.Momentum
        assert registry.problems() == []
    np.testing.assert_array_equal(beside.parameters, alone.parameters)


@pytest.mark.parametrize("prefix", ["", "nncore-namesakes/"])
def test_each_comes_back_from_a_file_and_goes_on(tmp_path: Path, prefix: str) -> None:
    with plugin(tmp_path / "site"):
        net = trained(prefix)
        net.save(tmp_path / "net.nncore")
        again = nn.load(tmp_path / "net.nncore")
        assert type(again.optimizer) is type(net.optimizer)
        assert again.layers[0].activation == f"{prefix}tanh"
        for one in (net, again):
            one.fit(X, X[:, :1], epochs=1, batch_size=5, progress=False)
        np.testing.assert_array_equal(again.parameters, net.parameters)


def test_a_file_with_nncore_s_own_needs_no_plugin(tmp_path: Path) -> None:
    with plugin(tmp_path / "site"):
        net = trained("")
        net.save(tmp_path / "net.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "net.nncore").predict(X), net.predict(X))


def test_nncore_s_own_does_not_take_the_place_of_one_that_is_gone(tmp_path: Path) -> None:
    with plugin(tmp_path / "site"):
        net = nn.Sequential(nn.Dense(1))
        net.fit(X, X[:, :1], loss="mse", optimizer="nncore-namesakes/momentum", epochs=1, rng=0, progress=False)
        net.save(tmp_path / "net.nncore")
        trained("nncore-namesakes/").save(tmp_path / "needed.nncore")
    with pytest.warns(PluginWarning, match=r"pip install nncore-namesakes==1\.0; nncore has an optimizer 'momentum' of its own"):
        again = nn.load(tmp_path / "net.nncore")
    assert again.optimizer is None
    with pytest.raises(MissingPluginError, match="nncore has an activation 'tanh' of its own"):
        nn.load(tmp_path / "needed.nncore")
