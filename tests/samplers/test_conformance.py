"""Conformance checks of the built-in samplers."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import SamplerConformance

ARGUMENTS = {
    "balanced": [{}, {"per_class": "smallest"}, {"per_class": "largest"}],
    "weighted": [{}, {"weights": [0.0, *range(59)]}, {"n_samples": 7}, {"weights": [1e-300] * 60, "n_samples": 200}],
    "grouped": [{}, {"per_group": 3}, {"groups": [i % 7 for i in range(60)]}, {"groups": ["a", "b", "c"] * 20, "per_group": 25}],
    "blocks": [{}, {"rows": 7, "together": 3}, {"rows": 1, "together": 1}, {"rows": 5, "together": 1000}],
}

globals().update(built_in(SamplerConformance, ARGUMENTS))
