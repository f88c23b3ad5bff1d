"""Losses whose rows depend on each other are called once with all rows and weights, in training and in scores."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _core.python_kernels import python_kernel
from losses.cox import Cox, partial_likelihood
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError
from nncore.plugin import Loss
from nncore.program import team_of
from nncore.testing.report import verify

MANIFEST = """
NNCORE_API = (1, 0)

@hookimpl
def nncore_losses(api):
    return [Component("cox", "losses.cox:Cox"), Component("ordinal", "losses.ordinal:Ordinal")]
"""


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin with the losses of this folder, installed."""
    with open_site(tmp_path_factory.mktemp("site")) as site:
        site.write("nncore-own", MANIFEST)
        registry.reload(only=["nncore-own"])
        try:
            yield
        finally:
            registry.registry._default = None


def survival(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, times with many ties and events, and weights of which some are 0."""
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 4))
    time = np.ceil(4 * rng.exponential(np.exp(-X[:, 0] + 0.5 * X[:, 1]))) / 4
    weight = rng.uniform(0.2, 3, n) * (rng.random(n) < 0.9)
    return X, np.column_stack([time, rng.random(n) < 0.7]).astype(float), weight


def network(*, dtype: str = "float64", width: int = 8, loss: object = None) -> nn.Sequential:
    layers = nn.Dense(width, activation="tanh"), nn.Dense(1)
    return nn.Sequential(*layers).build(4, loss=loss or Cox(), optimizer=nn.Adam(lr=0.02), rng=0, dtype=dtype)


# ---- scores -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "width"), [(1, 8), (37, 8), (5000, 300)])
def test_a_score_is_that_of_all_samples_at_once(n: int, width: int, weighted: bool) -> None:
    X, y, weight = survival(n)
    y[0, 1], weight[0] = 1, 1
    net = network(width=width)
    assert n < 100 or net.program_for_prediction().spec.max_rows < n
    score = net.evaluate(X, y, sample_weight=weight if weighted else None)
    assert set(score) == {"loss"}
    assert score["loss"] == pytest.approx(partial_likelihood(net.predict(X), y, weight if weighted else None), rel=1e-12, abs=1e-12)


def test_samples_that_do_not_lie_in_memory_are_scored_together_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
    monkeypatch.setattr("nncore.blocks.BLOCK", 1)
    X, y, weight = survival(5000)
    net = network(dtype="float32", width=300)
    expected = partial_likelihood(net.predict(X), y, weight)
    assert net.evaluate(X[::-1][::-1], y, sample_weight=weight)["loss"] == pytest.approx(expected, rel=1e-5)


def test_validation_is_that_of_all_samples_at_once() -> None:
    X, y, weight = survival(300)
    net = network()
    history = net.fit(X, y, validation=(X, y, weight), epochs=2, batch_size=64, progress=False)
    assert history["val_loss"][-1] == pytest.approx(partial_likelihood(net.predict(X), y, weight), rel=1e-12)


# ---- training ---------------------------------------------------------------------------------------------------------------


def test_the_loss_of_a_batch_has_its_weights() -> None:
    X, y, weight = survival(50)
    net = network()
    expected = partial_likelihood(net.predict(X), y, weight)
    history = net.fit(X, y, sample_weight=weight, epochs=1, batch_size=50, shuffle=False, progress=False)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_by_central_differences(weighted: bool) -> None:
    X, y, weight = survival(20)
    weights = weight if weighted else None
    net = network(width=3)
    net.forward(X, training=True)
    net.backward(y, weights)
    gradient, numeric, h = net.gradients.copy(), np.empty_like(net.gradients), 1e-6
    for i in range(gradient.size):
        before = net.parameters[i]
        net.parameters[i] = before + h
        above = partial_likelihood(net.predict(X), y, weights)
        net.parameters[i] = before - h
        numeric[i] = (above - partial_likelihood(net.predict(X), y, weights)) / (2 * h)
        net.parameters[i] = before
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)


def test_integer_weights_are_repetitions() -> None:
    X, y, _ = survival(40)
    times = np.random.default_rng(1).integers(0, 4, 40)
    weighted, repeated = network(), network()
    weighted.fit(X, y, sample_weight=times, epochs=5, batch_size=40, shuffle=False, progress=False)
    repeated.fit(X.repeat(times, axis=0), y.repeat(times, axis=0), epochs=5, batch_size=int(times.sum()), shuffle=False, progress=False)
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(dtype: str) -> None:
    X, y, weight = survival(700)
    ends, scores = [], []
    for n_threads in (1, 2, 3):
        net = network(dtype=dtype, width=40)
        with team_of(n_threads):
            net.fit(X, y, sample_weight=weight, epochs=3, batch_size=256, progress=False)
            scores.append(net.evaluate(X, y, sample_weight=weight)["loss"])
        ends.append(net.parameters.copy())
    assert (ends[0] == ends[1]).all()
    assert (ends[0] == ends[2]).all()
    assert scores[0] == scores[1] == scores[2]


@pytest.mark.usefixtures("installed")
def test_a_fit_that_is_resumed_ends_with_the_same_bits(tmp_path: Path) -> None:
    X, y, weight = survival(200)
    arguments = {"sample_weight": weight, "batch_size": 64, "progress": False}
    whole, first = network(loss="cox"), network(loss="cox")
    whole.fit(X, y, epochs=4, **arguments)
    first.fit(X, y, epochs=2, **arguments)
    first.save(tmp_path / "a.nncore")
    second = nn.load(tmp_path / "a.nncore")
    second.fit(X, y, epochs=2, **arguments)
    assert (second.parameters == whole.parameters).all()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "left_out"),
    [("cox", set()), ("nncore-own/ordinal", {"formula agrees with decide"})],  # a formula gives values, but ordinal predicts classes
)
def test_the_conformance_kit_knows_such_losses(name: str, left_out: set[str]) -> None:
    outcomes = list(verify("losses", name))
    assert {outcome.check for outcome in outcomes if outcome.status == "skipped"} == left_out
    assert {outcome.check: outcome.message for outcome in outcomes if outcome.status not in ("ok", "skipped")} == {}
    assert len(outcomes) > 10


def test_several_batches_a_step_are_refused() -> None:
    X, y, _ = survival(60)
    net = network()
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=r"Cox\(\) needs all samples of a step at once.*use accumulate=1 with batch_size=40"):
        net.fit(X, y, batch_size=10, accumulate=4, progress=False)
    assert (net.parameters == before).all()


def test_a_function_can_need_the_batch() -> None:
    def cox(output: np.ndarray, event: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        target = np.column_stack([np.ones(len(event)), event])  # a function has as many targets as outputs: all times are one
        return Cox().forward(output, target, weight), Cox().backward(output, target, weight)

    X, y, weight = survival(50)
    net = network(loss=nn.FunctionLoss(cox, needs_batch=True))
    expected = partial_likelihood(net.predict(X), np.column_stack([np.ones(50), y[:, 1]]), weight)
    assert net.evaluate(X, y[:, 1], sample_weight=weight)["loss"] == pytest.approx(expected, rel=1e-12)


# ---- compiled ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_kernel_is_called_once_with_all_rows(monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    seen = []

    def real(call: Any) -> int:
        numbers = ctypes.POINTER(ctypes.c_double)
        shares = np.ctypeslib.as_array(ctypes.cast(call.weight, numbers), (call.n_rows,))
        seen.append((call.n_rows, float(shares.sum()), call.d_output is not None))
        assert (call.first_row, call.batch_rows) == (0, call.n_rows)
        np.ctypeslib.as_array(ctypes.cast(call.loss, numbers), (call.n_rows,))[:] = call.n_rows
        if call.d_output is not None:
            np.ctypeslib.as_array(ctypes.cast(call.d_output, numbers), (call.n_rows, call.n_outputs))[:] = 0
        return 0

    class Counting(Loss):
        needs_batch = True

    Counting.kernel = python_kernel(monkeypatch, "loss", real=real)
    X, y, weight = survival(5000)
    net = network(width=300, loss=Counting())
    with team_of(n_threads):
        history = net.fit(X, y[:, 0], sample_weight=weight, epochs=1, batch_size=2000, progress=False)
        assert net.evaluate(X, y[:, 0])["loss"] == pytest.approx(5000)
    assert [n_rows for n_rows, _, _ in seen] == [2000, 2000, 1000, 5000]
    assert [asked for _, _, asked in seen] == [True, True, True, False]
    np.testing.assert_allclose([share for _, share, _ in seen], 1)
    assert 1000 < history["loss"][0] < 2000
