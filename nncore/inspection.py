"""Inspect a network without changing it: outputs of layers, gradients of tensors, predictions as formulas, and contents of model files."""

from __future__ import annotations

from nncore.network import FileInfo, LayerInfo, NetworkInfo, ProviderInfo, activations, file_info, formula, gradients
from nncore.program import NumPyBuilder

__all__ = ["FileInfo", "LayerInfo", "NetworkInfo", "NumPyBuilder", "ProviderInfo", "activations", "file_info", "formula", "gradients"]


def __dir__() -> list[str]:
    return sorted(__all__)
