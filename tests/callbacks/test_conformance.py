"""Conformance checks of the built-in callbacks."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import CallbackConformance

ARGUMENTS = {
    "early_stopping": [{}, {"patience": 1, "baseline": 0.1}, {"patience": 1, "start_from_epoch": 2}],
}

globals().update(built_in(CallbackConformance, ARGUMENTS))
del CallbackConformance  # pytest would run it without a component
