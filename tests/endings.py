"""Callbacks that end a fit early, each in another way."""

from __future__ import annotations

from typing import Any

from nncore.plugin import Callback


class Stop(Callback):
    def on_progress(self, training: Any) -> None:
        training.stop("enough")


class Fail(Callback):
    def on_progress(self, training: Any) -> None:
        raise RuntimeError("no")


class Interrupt(Callback):
    def on_progress(self, training: Any) -> None:
        raise KeyboardInterrupt
