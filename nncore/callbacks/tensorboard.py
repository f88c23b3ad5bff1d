"""The history of a fit for TensorBoard."""

from __future__ import annotations

import math
import os
import secrets
import sys
from typing import Any

from nncore.arguments import path_text
from nncore.configuration import require
from nncore.plugin import Callback


class TensorBoard(Callback):
    """Log losses and metrics of each epoch for TensorBoard; needs the extra ``tensorboard`` (tensorboardX).

    ``tensorboard --logdir runs`` shows them. A metric is one chart with two curves, ``loss/training`` and ``loss/validation``. Epochs are
    counted over all fits of the network, so a resumed fit continues its curves. A new network replaces the curves in an existing folder.

    Parameters
    ----------
    folder : str or path, default "runs/nncore"
        Folder of this run. It is created if it does not exist.
    histograms : int, default 0
        Log histograms of all parameters every this many epochs; 0 is never.

    Raises
    ------
    MissingExtraError, OSError
        Before the first epoch, without tensorboardX or if the folder cannot be written to.
    """

    reports = True
    ranges = {"histograms": "[0, inf)"}
    whole = ("histograms",)

    def __init__(self, folder: str | os.PathLike[str] = "runs/nncore", histograms: int = 0) -> None:
        self.folder = path_text("TensorBoard: folder", folder)
        self.histograms = histograms
        self._writer: Any = None

    def on_fit_begin(self, training: Any) -> None:
        tensorboardx = require("tensorboardX", extra="tensorboard", purpose="TensorBoard")
        if "://" not in self.folder:  # the library's own making fails where another fit makes it at the same time
            os.makedirs(self.folder, exist_ok=True)
        # The library names files by the second, and would overwrite that of a fit which began in the same one.
        suffix = f".{secrets.token_hex(4)}"
        self._writer = tensorboardx.SummaryWriter(self.folder, purge_step=training.network.n_epochs + 1, filename_suffix=suffix)

    def epochs_ahead(self, training: Any) -> int:
        return sys.maxsize

    def on_epoch_end(self, training: Any) -> None:
        history, epoch = training.history, training.network.n_epochs
        for name in history:
            value = float(history[name][-1])
            if math.isfinite(value):
                self._writer.add_scalar(_tag(name, history), value, epoch)
        if self.histograms and epoch % self.histograms == 0:
            for name, view in training.network.named_parameters().items():
                self._writer.add_histogram(name.replace(".", "/"), view, epoch)
        self._writer.flush()

    def on_fit_end(self, training: Any) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _tag(name: str, history: Any) -> str:
    """TensorBoard draws names that are equal up to the slash in one chart."""
    if name.startswith("val_"):
        return f"{name.removeprefix('val_')}/validation"
    if name.startswith("train_"):
        return f"{name.removeprefix('train_')}/scored training"
    return f"{name}/training" if f"val_{name}" in history else name
