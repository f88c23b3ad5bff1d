"""Conformance checks of the built-in losses."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import LossConformance

globals().update(built_in(LossConformance))
