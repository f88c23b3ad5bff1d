"""What is learned from a table that is read in blocks, before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Learned:
    """Encoder, class weights and sizes, learned from all rows.

    Attributes
    ----------
    encoder : TableEncoder
    members : Membership or None
        None for one network.
    class_weights : ndarray of shape (n_classes,) or None
    sizes : mapping of tuple to list of int
        Number of training rows of each piece, by held-out rows.
    """

    encoder: TableEncoder
    members: Membership | None
    class_weights: NDArray[np.floating] | None
    sizes: Mapping[tuple[Held, ...], list[int]]

    def n_training(self, parts: StreamedParts) -> int:
        """Number of training rows."""
        return sum(self.sizes[parts.held])
