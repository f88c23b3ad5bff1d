"""The built-in samplers keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import SamplerConformance

ARGUMENTS = {
    "balanced": [{}, {"per_class": "smallest"}, {"per_class": "largest"}],
    "blocks": [{}, {"rows": 7, "together": 3}, {"rows": 1, "together": 1}, {"rows": 5, "together": 1000}],
}

globals().update(built_in(SamplerConformance, ARGUMENTS))
