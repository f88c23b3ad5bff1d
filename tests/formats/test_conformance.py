"""Conformance checks of the built-in file formats."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import FormatConformance

globals().update(built_in(FormatConformance))
del FormatConformance  # pytest would run it without a component
