"""Claims the name of a built-in."""

from nncore.plugin import Activation, Component, hookimpl

NNCORE_API = (1, 0)


class Impostor(Activation):
    pass


@hookimpl
def nncore_activations(api):
    return [Component("relu", "nncore_impostor:Impostor"), Component("honest", "nncore_impostor:Impostor")]
