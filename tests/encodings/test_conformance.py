"""Conformance checks of the built-in encodings."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import EncodingConformance

globals().update(built_in(EncodingConformance))
