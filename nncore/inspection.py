"""What goes on inside a network for one batch: every layer's outputs, every tensor's gradient. The network stays as it is."""

from __future__ import annotations

from nncore.network import activations, gradients

__all__ = ["activations", "gradients"]
