"""The built-in encodings keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import EncodingConformance

globals().update(built_in(EncodingConformance))
