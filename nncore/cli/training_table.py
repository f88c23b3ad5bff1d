"""What `nncore train` learns from: a table, how its rows are divided, and networks that are fitted to them."""

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
    """What is known before anything is trained.

    Attributes
    ----------
    encoder : TableEncoder
    n_training : int
        Rows to learn from.
    shape : EnsembleShape or None
        None for one network.
    """

    encoder: TableEncoder
    n_training: int
    shape: EnsembleShape | None


class TrainingTable(ABC):
    """A table.

    Attributes
    ----------
    settings : Settings
        With the model that is meant.
    task : Task
    parts : sequence of Parts
        Of ``--cv`` each, or one.
    memory_text : str
        For a person, how rows are in memory, if not all are.
    """

    settings: Settings
    task: Task
    parts: Sequence[Parts]
    memory_text: str = ""

    @abstractmethod
    def everything(self) -> Parts:
        """All rows to learn from."""

    @abstractmethod
    def overview(self, parts: Parts) -> Overview:
        """What will be learned from the rows of some parts."""

    @abstractmethod
    def fit(self, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
        """Train the model of the settings; `epochs` are those of one network, if nothing stops it."""


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
