"""The built-in activations keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ActivationConformance

globals().update(built_in(ActivationConformance))
