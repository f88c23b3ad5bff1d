"""Averaged predictions of the networks of an ensemble."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.ensembles import together
from nncore.registry import resolve

OUTPUTS = [np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]]), np.array([[1.0, 0.0]])]


def test_the_mean_of_outputs_and_a_weighted_one():
    loss = resolve("losses", "softmax_cross_entropy")
    assert together(OUTPUTS, loss)[0] == pytest.approx([0.6, 0.4])
    assert together(OUTPUTS, loss, np.array([2.0, 1.0, 1.0]))[0] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("weights", [None, np.array([3.0, 1.0])])
def test_a_mixture_of_normal_distributions(weights):
    means, log_variances = np.array([1.0, 5.0]), np.log([1.0, 4.0])
    outputs = [np.array([[m, v]]) for m, v in zip(means, log_variances, strict=True)]
    mean, log_variance = together(outputs, resolve("losses", "gaussian_nll"), weights)[0]
    share = np.array([0.5, 0.5]) if weights is None else weights / weights.sum()
    assert mean == pytest.approx(share @ means)
    assert np.exp(log_variance) == pytest.approx(share @ (np.exp(log_variances) + means**2) - mean**2)
