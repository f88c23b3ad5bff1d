"""The built-in initializers keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import InitializerConformance

globals().update(built_in(InitializerConformance))
