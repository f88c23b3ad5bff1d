"""Returns something that is not a list of components."""

from nncore.plugin import hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_optimizers(api):
    return {"tiger": "nncore_rubbish:Tiger"}
