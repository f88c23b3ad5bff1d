"""Fits whose matrix products are made in bfloat16, and where that is refused."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import assert_equal

import nncore as nn
from nncore._core import native
from nncore.errors import CollectiveError, NonFiniteError, ParameterError
from nncore.plugin import Callback
from nncore.testing import on_ranks, team_of
from nncore.training import Training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 70)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)

needs_bfloat16 = pytest.mark.skipif(not native.HAS_BFLOAT16, reason="this processor has no AVX512_BF16")


def network(dtype: str = "float32") -> nn.Sequential:
    layers = nn.Dense(80, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(66, activation="relu"), nn.Dense(2)
    return nn.Sequential(*layers).build(70, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), rng=3, dtype=dtype)


def fit(net: nn.Sequential, epochs: int = 2, **options: Any) -> nn.History:
    settings: dict[str, Any] = {"batch_size": 100, "progress": False, "precision": "bfloat16"} | options
    return net.fit(X, Y, epochs=epochs, **settings)


def trained(**options: Any) -> nn.Sequential:
    net = network()
    fit(net, **options)
    return net


class Cut(Callback):
    """Ends a fit after a given number of steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_progress(self, training: Training) -> None:
        if training.network.n_steps >= self.steps:
            training.stop("cut short for a test")


@pytest.mark.usefixtures("instructions")
def test_no_bit_depends_on_threads_or_on_fits_at_once() -> None:
    one = trained()
    with team_of(5):
        assert_equal(trained(), one)
    nets = [network(), network()]
    nn.fit_many(nets, X, Y, epochs=2, batch_size=100, progress=False, precision=nn.each(["bfloat16", None]))
    assert_equal(nets[0], one)
    assert_equal(nets[1], trained(precision=None))
    assert not np.array_equal(nets[1].parameters, one.parameters)
    np.testing.assert_allclose(nets[1].parameters, one.parameters, atol=0.05)


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("shards", [1, 4])
def test_processes_together_round_as_one(shards: int) -> None:
    def parameters(collective: Any) -> np.ndarray:
        return trained(shards=shards, collective=collective).parameters

    for found in on_ranks(2, parameters):
        np.testing.assert_array_equal(found, parameters(None))


@pytest.mark.parametrize("first", ["bfloat16", "float32"])
def test_processes_take_what_the_first_one_finds(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If ``"auto"`` chooses bfloat16 in the first process and another one does not support it, the fit is refused everywhere."""
    own = threading.local()
    monkeypatch.setattr("nncore.network.preparing.chosen_precision", lambda *given: first if own.rank == 0 else "float32")
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)

    def parameters(collective: Any) -> np.ndarray:
        own.rank = collective.rank
        return trained(precision="auto", collective=collective).parameters

    one, other = on_ranks(2, parameters)
    if first == "bfloat16":
        assert isinstance(one, CollectiveError)
        assert isinstance(other, ParameterError)
        assert "needs a processor with AVX512_BF16" in str(other)
    else:
        np.testing.assert_array_equal(one, other)


@needs_bfloat16
def test_processes_must_multiply_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    own = threading.local()
    monkeypatch.setattr(native, "bfloat16_instructions", lambda: own.made_with)

    def parameters(collective: Any, precision: Any) -> np.ndarray:
        own.made_with = "AMX" if collective.rank == 0 else "AVX512_BF16"
        return trained(precision=precision, collective=collective).parameters

    for told in on_ranks(2, lambda collective: parameters(collective, "bfloat16")):
        assert isinstance(told, CollectiveError)
        assert "what bfloat16 products are made with (precision=None rounds nothing) is 'AMX' in process 0" in str(told)
    one, other = on_ranks(2, lambda collective: parameters(collective, None))
    np.testing.assert_array_equal(one, other)


@needs_bfloat16
def test_only_training_rounds() -> None:
    net = network()
    history = fit(net, validation=(X, Y))
    assert net.evaluate(X, Y)["loss"] == history["val_loss"][-1]
    other = network()
    other.parameters[...] = net.parameters
    for name, values in net.named_buffers().items():
        other.named_buffers()[name][...] = values
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    before = net.parameters.copy()
    net.train_on_batch(X, Y)
    assert not np.array_equal(net.parameters, before)


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("options", [{}, {"shards": 3}, {"accumulate": 2}, {"n_threads": 2}], ids=str)
def test_resumed_is_uninterrupted(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)
    whole, part = network(), network()
    fit(whole, 3, **options)
    fit(part, 3, callbacks=[Cut(1 + whole.n_steps // 3)], **options)
    assert part.place["precision"] == "bfloat16"
    part.save(tmp_path / "net.nncore")
    part = nn.load(tmp_path / "net.nncore")
    with pytest.raises(ParameterError, match=r"precision is 'float32' and was 'bfloat16'.*call net.forget_fit"):
        fit(part, 2, **options, precision=None)
    fit(part, 2, **options)
    assert_equal(part, whole)


@needs_bfloat16
def test_goes_on_only_where_there_is_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)
    part = network()
    fit(part, callbacks=[Cut(1)])
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    monkeypatch.setattr("nncore.program.precision.bfloat16_speed", lambda: 0.0)  # another test may have measured it
    with pytest.raises(ParameterError, match="needs a processor with AVX512_BF16"):
        fit(part)
    with pytest.raises(ParameterError, match="precision is 'float32' and was 'bfloat16'"):
        fit(part, precision="auto")


def gradients(layers: tuple[Any, ...], dtype: str, precision: str | None) -> dict[str, np.ndarray]:
    """Gradients of the mean loss of all samples, from the step of plain gradient descent along them."""
    net = nn.Sequential(*layers).build(70, loss="mse", optimizer=nn.SGD(lr=1.0), rng=5, dtype=dtype)
    before = {name: values.astype(float) for name, values in net.named_parameters().items()}
    target = np.random.default_rng(1).normal(size=(len(X), net.output_shape[-1]))
    net.fit(X, target, epochs=1, batch_size=len(X), shuffle=False, progress=False, precision=precision)  # type: ignore[arg-type]
    return {name: before[name] - values for name, values in net.named_parameters().items()}


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    "layers",
    [
        (nn.Dense(96, activation="tanh"), nn.Dense(80, activation="gelu"), nn.Dense(65)),
        (nn.SwiGLU(96), nn.LayerNorm(), nn.Dense(70)),
        (nn.RepeatMembers(4), nn.MembersDense(72), nn.ActivationLayer("tanh"), nn.MemberHeads(66), nn.MeanMembers()),
    ],
    ids=["dense", "gated", "members"],
)
def test_gradients(layers: tuple[Any, ...]) -> None:
    """Gradients equal those of float64 except for roundings: each factor in a chain of products is off by at most 2⁻⁹."""
    exact = gradients(layers, "float64", None)
    for name, found in gradients(layers, "float32", "bfloat16").items():
        error = np.linalg.norm(found - exact[name]) / np.linalg.norm(exact[name])
        assert error < 2**-6, name
        single = gradients(layers, "float32", None)[name] if name == "dense_1.weight" else None
        assert single is None or np.linalg.norm(single - exact[name]) < np.linalg.norm(found - exact[name]) / 50


@pytest.mark.usefixtures("instructions")
def test_digits_are_learned_as_well() -> None:
    images, y = nn.datasets.load_digits()
    images = images.reshape(len(images), 64) / 16

    def accuracy(precision: Any) -> float:
        net = nn.Sequential(nn.Dense(128, activation="relu"), nn.Dense(64, activation="relu"), nn.Dense(10))
        settings: dict[str, Any] = {"loss": "softmax_cross_entropy", "epochs": 15, "rng": 0, "progress": False}
        net.fit(images[:1400], y[:1400], precision=precision, **settings)
        return net.evaluate(images[1400:], y[1400:])["accuracy"]

    assert abs(accuracy("bfloat16") - accuracy(None)) < 0.02  # 8 of 397


@pytest.mark.usefixtures("instructions")
def test_numbers_that_rounding_makes_infinite_are_told() -> None:
    net = nn.Sequential(nn.Dense(3000), nn.Dense(1)).build(70, loss="mae", optimizer="sgd", rng=0)
    net.named_parameters()["dense_1.weight"][...] = 0
    before = net.parameters.copy()
    huge = np.zeros((64, 70))
    huge[:, 0] = np.finfo(np.float32).max  # the largest number of bfloat16 is 3.39e38
    with pytest.raises(NonFiniteError):
        net.fit(huge, np.ones(64), epochs=1, batch_size=64, progress=False, precision="bfloat16")
    np.testing.assert_array_equal(net.parameters, before)


@needs_bfloat16
def test_told_where_nothing_rounds() -> None:
    net = nn.Sequential(nn.Dense(3)).build(4, loss="mse", optimizer="sgd")
    with pytest.warns(UserWarning, match="precision='bfloat16' changed nothing"):
        net.fit(X[:, :4], X[:, :3], epochs=1, batch_size=32, progress=False, precision="bfloat16")
    net.fit(X[:, :4], X[:, :3], epochs=0, progress=False, precision="bfloat16")


@pytest.mark.parametrize(
    ("speed", "batch_size", "dtype", "rounding"),
    [
        (1.6, 100, "float32", {"AMX", "AVX512_BF16"}),
        (0.5, 100, "float32", set()),
        (1.6, 63, "float32", {"AMX"}),
        (1.6, 31, "float32", set()),
        (1.6, 100, "float64", set()),
    ],
)
def test_auto_goes_by_speed(
    speed: float, batch_size: int, dtype: str, rounding: set[str], instructions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nncore.program.precision.bfloat16_speed", lambda: speed)
    auto, other = network(dtype), network(dtype)
    fit(auto, precision="auto", batch_size=batch_size)
    fit(other, precision="bfloat16" if instructions in rounding else None, batch_size=batch_size)
    assert_equal(auto, other)


def test_auto_is_always_there() -> None:
    one, other = trained(precision="auto"), trained(precision="auto")
    assert_equal(one, other)


@pytest.mark.parametrize(
    ("precision", "dtype", "message"),
    [
        ("bfloat16", "float64", "precision='bfloat16' is for networks of float32, and this one is float64"),
        ("float32", "float64", "precision='float32' is for networks of float32, and this one is float64"),
        ("float16", "float32", "precision must be"),
        (16, "float32", "precision must be"),
    ],
)
def test_refused_before_anything_changes(precision: Any, dtype: str, message: str) -> None:
    net = network(dtype)
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=message):
        fit(net, precision=precision)
    np.testing.assert_array_equal(net.parameters, before)


def test_refused_without_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    net = network()
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=r"needs a processor with AVX512_BF16 .*leave precision out, or pass 'auto'"):
        fit(net)
    np.testing.assert_array_equal(net.parameters, before)
