"""The built-in callbacks keep what is asked of every component."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import Conformance


class CallbackConformance(Conformance):
    kind = "callbacks"


globals().update(built_in(CallbackConformance))
del CallbackConformance  # pytest would run it without a component
