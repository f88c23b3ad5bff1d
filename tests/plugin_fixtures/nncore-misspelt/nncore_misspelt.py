"""Implements a hook that does not exist."""

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimisers(api):
    return [Component("tiger", "nncore_misspelt:Tiger")]
