"""The base class of callbacks."""

from __future__ import annotations

from nncore.plugin import Callback


def test_a_callback_does_nothing_by_itself():
    callback = Callback()
    for event in ("on_fit_begin", "on_progress", "on_epoch_end", "on_fit_end"):
        assert getattr(callback, event)(None) is None
