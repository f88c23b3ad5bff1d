"""The built-in constraints keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ConstraintConformance

globals().update(built_in(ConstraintConformance))
