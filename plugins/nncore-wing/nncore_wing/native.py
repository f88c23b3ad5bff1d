"""The compiled library as a table of ``nncore/plugin.h``."""

from __future__ import annotations

import ctypes
from pathlib import Path

from nncore.plugin import function_table

#: The library that the build puts next to this file, with any suffix.
_LIBRARIES = [path for path in Path(__file__).parent.glob("_wing.*") if path.suffix in (".so", ".pyd")]
if not _LIBRARIES:
    raise ImportError("nncore_wing is not compiled: install it with cargo at hand, or use the loss 'wing_numpy'")
_library = ctypes.CDLL(str(_LIBRARIES[0]))


def _address(name: str) -> int:
    return ctypes.cast(getattr(_library, name), ctypes.c_void_p).value or 0


wing = function_table("loss", real_f32=_address("wing_real_f32"), real_f64=_address("wing_real_f64"))
