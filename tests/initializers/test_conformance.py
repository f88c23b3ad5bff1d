"""Conformance checks of the built-in initializers."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import InitializerConformance

globals().update(built_in(InitializerConformance))
