"""Facts about this installation, and the optional libraries."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from nncore.errors import MissingExtraError
from nncore.words import explains_calls


@explains_calls
def get_include() -> str:
    """Folder to hand to a C compiler (``-I``) for ``#include "nncore/plugin.h"``.

    Returns
    -------
    str
        Its path.
    """
    return str(Path(__file__).parent / "include")


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional library, or say which extra brings it.

    Parameters
    ----------
    module : str
        Name to import.
    extra : str
        Extra of the distribution ``nncore-ml`` that installs it.
    purpose : str
        What the library is needed for, as the subject of a sentence: ``"plotting"``.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise  # the library is there but broken: its own error says more
        library = module.split(".")[0]
        raise MissingExtraError(f'{purpose} needs {library}: pip install "nncore-ml[{extra}]"', name=library) from None
