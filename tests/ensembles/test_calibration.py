"""Averages of outputs on the scale of logits: inverses of every link, temperatures, losses."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.ensembles.calibration import at_temperature, before_link, check_averages, has_temperature, mean_loss, temperature_of
from nncore.errors import ParameterError
from nncore.registry import resolve

LOSSES = ["softmax_cross_entropy", "binary_cross_entropy", {"name": "softmax_heads", "n_classes": [2, 2]}]


@pytest.mark.parametrize("spec", [*LOSSES, "poisson", "mse"], ids=str)
def test_back_through_the_link(spec):
    loss = resolve("losses", spec)
    z = np.random.default_rng(0).normal(size=(20, 4))
    outputs = z if loss.link is None else resolve("activations", loss.link).forward(z)
    back = before_link(outputs, loss)
    np.testing.assert_allclose(back if loss.link is None else resolve("activations", loss.link).forward(back), outputs, rtol=1e-12)
    target = np.random.default_rng(1).integers(2, size=(20, 4))
    target = target[:, :2] if "heads" in str(spec) else target.argmax(axis=1) if loss.targets == "both" else target
    expected = loss.forward(z, target.astype(np.int64 if "heads" in str(spec) or target.ndim == 1 else np.float64))
    weights = np.arange(20.0)
    assert mean_loss(outputs, target, weights, loss) == pytest.approx(np.average(expected, weights=weights), rel=1e-9)
    assert np.isnan(mean_loss(outputs, target, np.zeros(20), loss))


@pytest.mark.parametrize("spec", LOSSES, ids=str)
def test_the_temperature_that_logits_were_divided_by_is_found_again(spec):
    rng = np.random.default_rng(0)
    loss = resolve("losses", spec)
    link = resolve("activations", loss.link)
    z = rng.normal(size=(20_000, 4))
    p = link.forward(z)
    if loss.link == "sigmoid":
        target = rng.uniform(size=p.shape) < p
    else:
        heads = [p] if loss.link == "softmax" else [p[:, :2], p[:, 2:]]
        drawn = [(rng.uniform(size=(len(p), 1)) > head.cumsum(axis=1)).sum(axis=1) for head in heads]
        target = drawn[0] if len(drawn) == 1 else np.column_stack(drawn)
    sure = link.forward(3 * z)
    found = temperature_of(sure, target, None, loss)
    assert found == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(at_temperature(sure, loss, 3.0), p, rtol=1e-3, atol=1e-4)
    assert at_temperature(p, loss, 1.0) is p
    assert temperature_of(sure, target, np.zeros(len(p)), loss) == 1


def test_certain_probabilities_have_finite_logits():
    for spec, certain in (("softmax_cross_entropy", [[1.0, 0.0]]), ("binary_cross_entropy", [[1.0], [0.0]]), ("poisson", [[0.0]])):
        assert np.isfinite(before_link(np.array(certain), resolve("losses", spec))).all()


def test_links_that_have_no_way_back():
    class Odd(nn.plugin.Loss):
        link = "tanh"

    with pytest.raises(ParameterError, match="whose link is 'tanh': use n_ens=1"):
        check_averages(Odd())
    assert not has_temperature(Odd())
    assert not has_temperature(resolve("losses", "poisson"))
