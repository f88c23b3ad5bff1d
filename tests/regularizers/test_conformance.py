"""Conformance checks of the built-in regularizers."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import RegularizerConformance

globals().update(built_in(RegularizerConformance))
