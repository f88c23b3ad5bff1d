"""How a component runs (compiled or NumPy), by its name. Its module is imported and its kernel loaded."""

from __future__ import annotations

from nncore.contract import Layer, native_kernel
from nncore.errors import MissingExtraError, NNCoreError
from nncore.registry.registry import get


def rung_of(kind: str, name: str) -> tuple[str, str]:
    """How an installed component runs, and its problem, if any.

    Returns
    -------
    rung : {"native", "numba", "numpy", "view", "python", "missing", "broken"}
        "view": a layer with nothing to compute; "python": of a kind without kernels; "missing": an optional library is not installed.
    problem : str
    """
    try:
        cls = get(kind, name)
        if not hasattr(cls, "kernel"):
            return "python", ""
        if issubclass(cls, Layer) and cls.forward is Layer.forward:
            return "view", ""  # only a plan, nothing to compute
        kernel = native_kernel(cls)
        if kernel is None:
            return "numpy", ""
        kernel.load()
        return kernel.rung, ""
    except MissingExtraError as error:
        return "missing", str(error)
    except NNCoreError as error:
        return "broken", str(error)
