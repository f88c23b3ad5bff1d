"""The manifest of a correct plugin: one component for every hook."""

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api):
    return [Component("doubling", "nncore_good.components:Doubling", "2x")]


@hookimpl
def nncore_activations(api):
    return [Component("cube", "nncore_good.components:Cube", "z³")]


@hookimpl
def nncore_losses(api):
    return [Component("mean_absolute_error", "nncore_good.components:MeanAbsoluteError", "|y − Y|")]


@hookimpl
def nncore_initializers(api):
    return [Component("ones", "nncore_good.components:Ones", "1")]


@hookimpl
def nncore_optimizers(api):
    # The target is a re-export: the class itself lives in another module.
    return [Component("sign_descent", "nncore_good.exports:SignDescent", "w −= lr·sign(g)")]


@hookimpl
def nncore_metrics():
    # A hook may leave out arguments it does not need.
    return [Component("largest_error", "nncore_good.components:LargestError", "max |y − Y|")]


@hookimpl
def nncore_callbacks(api):
    return [Component("silence", "nncore_good.components:Silence", "does nothing")]


@hookimpl
def nncore_regularizers(api):
    return [Component("quartic", "nncore_good.components:Quartic", "Σw⁴")]


@hookimpl
def nncore_constraints(api):
    return [Component("box", "nncore_good.components:Box", "between -1 and 1")]


@hookimpl
def nncore_schedules(api):
    return [Component("halving", "nncore_good.components:Halving", "½ to the power of the step")]


@hookimpl
def nncore_samplers(api):
    return [Component("backwards", "nncore_good.components:Backwards", "from the last sample to the first")]


@hookimpl
def nncore_transforms(api):
    return [Component("fading", "nncore_good.components:Fading", "half of every feature")]


@hookimpl
def nncore_encodings(api):
    return [Component("halves", "nncore_good.components:Halves", "half of each number")]


@hookimpl
def nncore_collectives(api):
    return [Component("solo", "nncore_good.components:Solo", "one process")]


@hookimpl
def nncore_formats(api):
    return [Component("npz", "nncore_good.components:Npz", "NumPy's own archive")]


@hookimpl
def nncore_exporters(api):
    return [Component("listing", "nncore_good.components:Listing", "names of operations")]
