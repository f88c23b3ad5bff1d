"""One of two plugins that offer the same name."""

from nncore.plugin import Component, Optimizer, hookimpl

NNCORE_API = (1, 0)


class Tiger(Optimizer):
    pass


@hookimpl
def nncore_optimizers(api):
    return [Component("tiger", "nncore_twin_b:Tiger")]
