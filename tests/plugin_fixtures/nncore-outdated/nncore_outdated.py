"""Written for a version of the plugin API before this one."""

from nncore.plugin import Component, hookimpl

NNCORE_API = (0, 9)


@hookimpl
def nncore_optimizers(api):
    return [Component("old", "nncore_outdated:Old")]
