"""Conformance checks of the built-in activations."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ActivationConformance

globals().update(built_in(ActivationConformance))
