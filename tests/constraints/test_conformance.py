"""Conformance checks of the built-in constraints."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ConstraintConformance

globals().update(built_in(ConstraintConformance))
