"""Raises when its hook is called."""

from nncore.plugin import hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api):
    raise RuntimeError("no optimizers today")
