"""A look inside a network: every layer's outputs, every tensor's gradient, and its prediction as a formula. The network stays as it is."""

from __future__ import annotations

from nncore.network import activations, formula, gradients
from nncore.program import NumPyBuilder

__all__ = ["NumPyBuilder", "activations", "formula", "gradients"]
