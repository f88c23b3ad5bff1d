"""The compiled layers at every CPU level that this machine can run."""

from __future__ import annotations

from pathlib import Path

import pytest
from levels import other_levels, run_tests

#: Checks of the conformance kit that need not run at every level. Some use no kernel. Derivatives are checked once in NumPy, with which the
#: kernel agrees at every level. Others repeat what single calls in the same guarded buffers show.
OF_NO_LEVEL = (
    *("manifest_is_light", "import_leaves", "arguments_are", "ranges", "description", "test_plan", "planning_takes"),
    *("output_domain", "test_formula", "goes_on_from_a_file", "trains_a_network", "test_conformance and test_gradient"),
    *("test_forward_and_backward", "ends_with_the_same_bits", "the_kit_catches"),
)


@pytest.mark.parametrize("level", other_levels(quick="v3"))
def test_layers_at_level(level: str) -> None:
    names = (
        *("batch_norm", "conformance", "dropout", "embedding", "fill_missing", "layer_norm", "parametric_activation"),
        *("periodic_embedding", "quantized_dense", "pytabkit", "torch", "rms_norm", "glu", "maxout", "noise"),
    )
    run_tests(level, *(str(Path(__file__).with_name(f"test_{name}.py")) for name in names), without=OF_NO_LEVEL)
