"""Training data of `nncore train`: a table, its split, and the training of networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nncore.cli.bagging import EnsembleShape, ensemble_encoder, fit_model, model_name, shape_of_ensemble
from nncore.cli.experiment import Fitted, Parts, divide, divide_in_folds, make_encoder
from nncore.cli.recipes import recipe_of
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task
from nncore.tabular import TableEncoder


@dataclass(frozen=True)
class Overview:
    """What is known before the training.

    Attributes
    ----------
    encoder : TableEncoder
    n_training : int
        Number of training rows.
    shape : EnsembleShape or None
        None for a single network.
    """

    encoder: TableEncoder
    n_training: int
    shape: EnsembleShape | None


class TrainingTable(ABC):
    """A table to train on.

    Attributes
    ----------
    settings : Settings
        Settings with the chosen model.
    task : Task
    parts : sequence of Parts
        One for each part of ``--cv``, or a single one.
    memory_text : str
        Tells the user which rows are in memory, if not all are.
    """

    settings: Settings
    task: Task
    parts: Sequence[Parts]
    memory_text: str = ""

    @abstractmethod
    def everything(self) -> Parts:
        """Use all rows for training."""

    @abstractmethod
    def overview(self, parts: Parts) -> Overview:
        """Encoder and size of the training for some parts."""

    @abstractmethod
    def fit(self, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
        """Train the model of the settings. `epochs` is for a single network without early stopping."""


class WholeTable(TrainingTable):
    """A table in memory.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self.task = find_task(settings)
        self.settings = replace(settings, model=model_name(settings, self.task))
        self.parts = [divide(self.task, self.settings)] if settings.cv is None else divide_in_folds(self.task, self.settings)

    def everything(self) -> Parts:
        return Parts(np.arange(self.task.table.n_rows), np.empty(0, np.int64), np.empty(0, np.int64))

    def overview(self, parts: Parts) -> Overview:
        rows = parts.training
        if self.settings.model == "mlp":
            return Overview(make_encoder(self.task, rows), len(rows), None)
        recipe = recipe_of(self.settings, self.task, len(rows))
        shape = shape_of_ensemble(self.settings, self.task, rows, recipe)
        return Overview(ensemble_encoder(self.task, rows, recipe), len(rows), shape)

    def fit(self, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
        return fit_model(self.settings, self.task, parts, epochs=epochs, progress=progress)
