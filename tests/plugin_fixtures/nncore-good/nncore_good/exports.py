"""Public names of the plugin."""

from nncore_good.components import SignDescent

__all__ = ["SignDescent"]
