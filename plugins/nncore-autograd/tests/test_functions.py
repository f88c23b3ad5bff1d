"""Components from users' functions and classes: by name, in files, in threads and forks, and with functions that autograd cannot trace."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import elementwise_grad
from nncore_autograd import (
    DifferentiableActivation,
    DifferentiableLayer,
    DifferentiableLoss,
    differentiable_activation,
    differentiable_layer,
    differentiable_loss,
    gradients,
)

import nncore as nn
from nncore.errors import ParameterError, PluginError, UnknownComponentError
from nncore.testing import ActivationConformance, LayerConformance, LossConformance


@differentiable_activation
def bump(z: Any) -> Any:
    """exp(−z²)."""
    return anp.exp(-(z**2))


@differentiable_layer
def centred(x: Any) -> Any:
    return x - anp.mean(x, axis=1, keepdims=True)


@differentiable_loss
def smooth_error(output: Any, target: Any) -> Any:
    return anp.sum(anp.sqrt((output - target) ** 2 + 1) - 1, axis=1)


@differentiable_loss(targets="labels", link="softmax")
def confident(output: Any, target: Any) -> Any:
    """Cross-entropy with a penalty on large logits."""
    highest = anp.max(output, axis=1)
    total = highest + anp.log(anp.sum(anp.exp(output - highest[:, None]), axis=1))
    return total - output[np.arange(len(target)), target] + 0.01 * anp.sum(output**2, axis=1)


@differentiable_loss(needs_batch=True)
def ranking(output: Any, target: Any, weight: Any) -> Any:
    order = np.sign(target - target.T)
    return anp.dot(anp.logaddexp(0, -order * (output - output.T)) * (order != 0), weight)


COMPONENTS = {"activations": [bump], "layers": [centred], "losses": [smooth_error, confident, ranking]}


@pytest.fixture(scope="module", autouse=True)
def names() -> Iterator[None]:
    """Names of this module's components, which stay registered while its tests run."""
    for kind, classes in COMPONENTS.items():
        for component in classes:
            nn.register(kind, component)
    yield
    for kind, classes in COMPONENTS.items():
        for component in classes:
            nn.unregister(kind, component.__name__)


class TestBump(ActivationConformance):
    name = "bump"


class TestCentred(LayerConformance):
    name = "centred"


class TestSmoothError(LossConformance):
    name = "smooth_error"


class TestConfident(LossConformance):
    name = "confident"


class TestRanking(LossConformance):
    name = "ranking"
    columns = (1,)


def data() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(120, 3)).astype(np.float32)
    return X, X[:, :1] * X[:, 1:2]


def network(*, activation: Any = bump) -> nn.Sequential:
    return nn.Sequential(nn.Dense(12, activation=activation), centred(), nn.Dense(1))


def test_a_function_keeps_its_name_and_its_words() -> None:
    assert issubclass(bump, DifferentiableActivation)
    assert issubclass(centred, DifferentiableLayer)
    assert issubclass(confident, DifferentiableLoss)
    assert (bump.__name__, bump.__doc__, bump.__module__) == ("bump", "exp(−z²).", __name__)
    assert (confident.targets, confident.link, smooth_error.targets) == ("labels", "softmax", "real")
    assert repr(bump()) == "bump()"


def test_classes_serve_as_they_are() -> None:
    X, y = data()
    net = network()
    history = net.fit(X, y, loss=smooth_error, optimizer=nn.Adam(lr=0.02), epochs=40, batch_size=20, rng=0, progress=False)
    assert history["loss"][-1] < history["loss"][0] / 4
    by_name = nn.Sequential(nn.Dense(12, activation="bump"), nn.get("layers", "centred")(), nn.Dense(1))
    again = by_name.fit(X, y, loss="smooth_error", optimizer=nn.Adam(lr=0.02), epochs=40, batch_size=20, rng=0, progress=False)
    assert history["loss"].tolist() == again["loss"].tolist()


def test_a_named_one_survives_a_file(tmp_path: Path) -> None:
    X, y = data()
    net = network()
    net.fit(X, y, loss=smooth_error, epochs=2, rng=0, progress=False)
    net.save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    for one in (net, again):
        one.fit(X, y, epochs=2, progress=False)
    assert np.array_equal(net.parameters, again.parameters)


def test_one_without_a_name_does_not(tmp_path: Path) -> None:
    X, y = data()
    activation = differentiable_activation(lambda z: anp.tanh(2 * z))
    loss = differentiable_loss(lambda output, target: anp.sum((output - target) ** 2, axis=1))
    for options, kind in (({"activation": activation}, "activations"), ({"loss": loss}, "losses")):
        net = network(activation=options.get("activation", bump))
        net.fit(X, y, loss=options.get("loss", "mse"), epochs=1, rng=0, progress=False)
        with pytest.raises(UnknownComponentError, match=rf"<lambda> is not registered.*nncore.register\('{kind}'"):
            net.save(tmp_path / "net.nncore")
        assert not list(tmp_path.iterdir())


def test_copies_and_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[bump.__module__])
    z = np.linspace(-1, 1, 5)[:, None]
    for again in (copy.deepcopy(bump()), pickle.loads(pickle.dumps(bump()))):
        assert type(again) is bump
        assert np.array_equal(again.forward(z), bump().forward(z))


def test_a_whole_batch_is_the_sum_of_its_weighted_rows() -> None:
    rng = np.random.default_rng(1)
    output, target, weight = rng.normal(size=(6, 1)), rng.normal(size=(6, 1)), rng.uniform(size=6)
    numeric = [
        (ranking().forward(output + h, target, weight) - ranking().forward(output - h, target, weight)) @ weight / 2e-6
        for h in 1e-6 * np.eye(6)[:, :, None]
    ]
    np.testing.assert_allclose(ranking().backward(output, target, weight)[:, 0], numeric, atol=1e-8)


def test_the_function_may_take_gradients_itself() -> None:
    slope = differentiable_activation(elementwise_grad(anp.tanh))
    z = np.linspace(-2, 2, 9)[:, None]
    np.testing.assert_allclose(slope().forward(z), 1 - np.tanh(z) ** 2, rtol=1e-14)
    np.testing.assert_allclose(slope().backward(z, z, np.ones_like(z)), -2 * np.tanh(z) * (1 - np.tanh(z) ** 2), rtol=1e-13, atol=1e-16)


def test_threads_do_not_mix_their_traces() -> None:
    X, y = data()

    def fitted(seed: int) -> list[float]:
        net = network()
        return list(net.fit(X, y, loss=smooth_error, epochs=3, batch_size=10, rng=seed, progress=False)["loss"])

    alone = [fitted(seed) for seed in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(fitted, range(6))) == alone
    finally:
        sys.setswitchinterval(interval)


def test_a_fork_does_not_wait_for_a_thread_of_its_parent() -> None:
    """A forked child gets a new lock, since a thread of the parent may hold the old one."""
    held = gradients._lock
    holder = threading.Thread(target=held.acquire)
    holder.start()
    holder.join()
    gradients._renew_lock()
    assert gradients._lock is not held
    assert bump().backward(np.zeros((1, 1)), np.ones((1, 1)), np.ones((1, 1))).tolist() == [[0.0]]


def assigns(z: Any) -> Any:
    a = z * 1
    a[:, 0] = 0
    return a


@pytest.mark.filterwarnings("ignore:Output seems independent of input")  # autograd's warning for the first function
@pytest.mark.parametrize("function", [lambda z: np.where(z > 0, z, 0), lambda z: np.array([float(row[0]) for row in z])[:, None], assigns])
def test_what_autograd_cannot_follow_is_told(function: Any) -> None:
    activation, z = differentiable_activation(function)(), np.zeros((2, 1))
    assert activation.forward(z).shape == (2, 1)
    with pytest.raises(PluginError, match=r"functions of autograd\.numpy"):
        activation.backward(z, z, z)


def test_shapes_and_types_are_told() -> None:
    z = np.zeros((3, 2))
    with pytest.raises(PluginError, match=r"must give an array of shape \(3, 2\), it gives \(3,\)"):
        differentiable_activation(lambda z: anp.sum(z, axis=1))().forward(z)
    with pytest.raises(PluginError, match=r"must give an array of shape \(3,\), it gives \(\)"):
        differentiable_loss(lambda output, target: anp.mean((output - target) ** 2))().forward(z, z)
    with pytest.raises(PluginError, match="must give real numbers, it gives complex128"):
        differentiable_activation(lambda z: z + 1j)().forward(z)
    with pytest.raises(PluginError, match=r"must give an array of shape \(1, 2\)"):
        nn.Sequential(differentiable_layer(lambda x: x[:, :1])()).build(2, rng=0).predict(np.ones((1, 2)))
    with pytest.raises(ParameterError, match="a function is needed, got 'relu'"):
        differentiable_activation("relu")


def test_an_authors_own_error_is_not_hidden() -> None:
    def picky(z: Any) -> Any:
        raise ValueError("z is not to my taste")

    with pytest.raises(ValueError, match="not to my taste"):
        differentiable_activation(picky)().backward(np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))


def test_without_a_formula_the_method_is_named() -> None:
    for base, arrays in ((DifferentiableActivation, 1), (DifferentiableLoss, 2)):
        with pytest.raises(NotImplementedError, match=rf"{base.__name__}\.f"):
            base().forward(*[np.zeros((1, 1))] * arrays)
    with pytest.raises(NotImplementedError, match=r"DifferentiableLayer\.f"):
        nn.Sequential(DifferentiableLayer()).build(2, rng=0).predict(np.ones((1, 2)))
