"""What is learned from a table that is read in blocks, before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nncore.cli.rows_learner import RowsLearner
from nncore.cli.streamed_division import Held, MemberFold, StreamedParts
from nncore.ensembles import Recipe
from nncore.tabular import TableEncoder


@dataclass(frozen=True)
class Membership:
    """The networks of an ensemble.

    Attributes
    ----------
    recipe : Recipe
    folds : sequence of MemberFold
    n_starts : int
        Number of starts of each fold.
    """

    recipe: Recipe
    folds: Sequence[MemberFold]
    n_starts: int


@dataclass
class Learned:
    """What is learned from all rows.

    Attributes
    ----------
    encoder : TableEncoder
    members : Membership or None
        None for one network.
    class_weights : ndarray of shape (n_classes,) or None
    sizes : mapping of tuple to list of int
        Number of training rows of each piece, by held-out rows.
    rows : RowsLearner or None
        What encodings of an ensemble learn from; None for one network, and once members are made.
    """

    encoder: TableEncoder
    members: Membership | None
    class_weights: NDArray[np.floating] | None
    sizes: Mapping[tuple[Held, ...], list[int]]
    rows: RowsLearner | None

    @property
    def is_used_up(self) -> bool:
        """Whether members were made, so that others need another pass."""
        return self.members is not None and self.rows is None

    def n_training(self, parts: StreamedParts) -> int:
        """Number of training rows."""
        return sum(self.sizes[parts.held])
