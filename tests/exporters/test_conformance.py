"""Conformance checks of the built-in exporters; their files predict what nncore does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from exported import run_header, run_module, run_onnx

from nncore import registry
from nncore.testing import ExporterConformance


class TestNumPy(ExporterConformance):
    name = "numpy"

    def run(self, content: bytes, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return run_module(content, inputs)


class TestONNX(ExporterConformance):
    name = "onnx"
    tolerances = {"float32": 1e-5, "float64": 1e-6}  # onnxruntime has no error function of float64

    def run(self, content: bytes, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        pytest.importorskip("onnxruntime")
        return run_onnx(content, inputs)


class TestC(ExporterConformance):
    name = "c"

    def run(self, content: bytes, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return run_header(content, inputs)


def test_all_are_here() -> None:
    built_in = {name for name in registry.names("exporters") if registry.component("exporters", name).plugin.built_in}
    assert built_in == {TestNumPy.name, TestONNX.name, TestC.name}
