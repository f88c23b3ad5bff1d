"""The wing loss, compiled from Rust; the NumPy methods stay as its oracle."""

from __future__ import annotations

from nncore.plugin import Kernel
from nncore_wing.wing_numpy import WingNumPy


class Wing(WingNumPy):
    """`WingNumPy`, computed in Rust."""

    kernel = Kernel("nncore_wing.native:wing")
