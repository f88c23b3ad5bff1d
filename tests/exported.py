"""Runs exported files as their users would."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from c_headers import CHeader

_numbers = itertools.count()


def module_of(content: bytes) -> ModuleType:
    """An exported Python module."""
    module = ModuleType(f"exported_{next(_numbers)}")
    exec(compile(content, f"{module.__name__}.py", "exec"), vars(module))
    return module


def run_module(content: bytes, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Results of an exported module's methods, by the names of the outputs."""
    X = inputs["X"] if list(inputs) == ["X"] else inputs
    outputs: dict[str, np.ndarray] = module_of(content)._compute(X)
    return outputs


def run_onnx(content: bytes, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Results of onnxruntime, by the names of the outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    known = {one.name for one in session.get_inputs()}
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {name: array for name, array in inputs.items() if name in known}), strict=True))


def run_header(content: bytes, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Results of a C header, sample by sample, by the names of the outputs."""
    return _compiled(content).run(inputs)


@functools.lru_cache(maxsize=4)
def _compiled(content: bytes) -> CHeader:
    """Compile a header once, since tests call it with several inputs."""
    return CHeader(content)


RUNNERS = {".py": run_module, ".onnx": run_onnx, ".h": run_header}


def predictions(model: Any, X: Any, inputs: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """Outputs of a model after exporting it to a path."""
    model.export(path)
    return RUNNERS[path.suffix](path.read_bytes(), inputs)
