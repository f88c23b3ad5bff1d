"""A look inside a network: every layer's outputs, every tensor's gradient, and its prediction as a formula; and what a file of one holds.

The network stays as it is.
"""

from __future__ import annotations

from nncore.network import FileInfo, LayerInfo, NetworkInfo, ProviderInfo, activations, file_info, formula, gradients
from nncore.program import NumPyBuilder

__all__ = ["FileInfo", "LayerInfo", "NetworkInfo", "NumPyBuilder", "ProviderInfo", "activations", "file_info", "formula", "gradients"]


def __dir__() -> list[str]:
    return sorted(__all__)
