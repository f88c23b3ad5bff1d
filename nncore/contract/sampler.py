"""Samplers: which samples an epoch visits, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import ClassVar

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.errors import DataError


@dataclass(frozen=True)
class SampleInfo:
    """What a sampler knows of the samples of a fit. The arrays cannot be written to.

    Attributes
    ----------
    n_samples : int
    labels : ndarray of shape (n_samples,), int64, or None
        Class indices, if the loss compares with them.
    targets : ndarray of shape (n_samples, n_targets) or None
        Real targets, if there are no labels.
    weights : ndarray of shape (n_samples,) or None
        What ``sample_weight`` was, in float64 and times a power of two: the largest is from 1 to 2. None stands for 1 each.
    rows : ndarray of shape (n_samples,), int64, or None
        Which rows of the data they are, if a part is held out for validation; None for all rows in order.
    n_rows : int
        Rows of the data, those that are held out included.
    """

    n_samples: int
    labels: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    rows: np.ndarray | None = None
    n_rows: int = 0

    def chosen(self, values: np.ndarray, what: str) -> np.ndarray:
        """Of an argument that says something of each row of the data, what it says of these samples.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
        what : str
            For the error: ``"GroupedSampler: groups"``.

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        DataError
            If there is not one value for each row.
        """
        n_rows = self.n_samples if self.rows is None else self.n_rows
        if len(values) != n_rows:
            raise DataError(f"{what} has {len(values)} values, and the data have {n_rows} rows: give one for each row that fit is given")
        return values if self.rows is None else values[self.rows]

    def classes(self) -> np.ndarray:
        """The class of each sample, by labels or by targets that stand for classes.

        Targets stand for classes if every row has a single 1 among zeros (one-hot) or among −1, or if there is one column with at most
        two different values.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            Numbered from 0, without gaps, in the order of the labels.

        Raises
        ------
        DataError
            If the targets are real numbers.
        """
        return self._classes

    @cached_property
    def _classes(self) -> np.ndarray:
        found = self.labels if self.labels is not None else _classes_of(self.targets)
        if found is None:
            raise DataError(
                "the targets are real numbers, and this sampler needs classes: pass class indices or one-hot targets, or use "
                "sampler='shuffle' (with sample_weight, if some samples are to count more)"
            )
        classes = np.asarray(np.unique(found, return_inverse=True)[1], np.int64).reshape(-1)
        classes.flags.writeable = False
        return classes


def _classes_of(targets: np.ndarray | None) -> np.ndarray | None:
    """What tells the classes apart, or None if the targets are real numbers."""
    if targets is None:
        return None
    if targets.shape[1] == 1:
        return targets[:, 0] if len(np.unique(targets)) <= 2 else None
    is_one, low = targets == 1, targets.min()
    is_one_hot = low in (0, -1) and bool((is_one.sum(axis=1) == 1).all()) and bool(((targets == low) | is_one).all())
    return is_one.argmax(axis=1) if is_one_hot else None


def permutation(n: int, seed: int, number: int) -> np.ndarray:
    """The numbers 0 to n − 1 in random order, decided by `seed` and `number` alone; for samplers.

    Parameters
    ----------
    n : int
        Below 2**32 − 1.
    seed : int
        Below 2**64: what `Sampler.order` is given.
    number : int
        Below 2**64. Another number gives another order: that of the epoch, or of the many orders that an epoch is made of.

    Returns
    -------
    ndarray of shape (n,), int64
    """
    return _of_the_core()(n, seed, number)


@cache
def _of_the_core() -> Callable[[int, int, int], np.ndarray]:
    """Only a fit needs the compiled core, and a manifest imports this module."""
    from nncore._core import permutation as shuffled

    return shuffled


class Sampler(Configurable):
    """Which samples an epoch visits, and in which order.

    A fit works with a copy of the sampler it is given. An order depends on nothing but the samples, the seed, the epoch and the
    hyperparameters: so a fit that is resumed from a file meets the order that it would have met, and threads change nothing.

    Samples that are streamed from a source larger than memory are never there together, so that `length` and `order` are not asked for
    them. `in_stream` says which of two ways through a stream stands for this sampler, if one does.

    Attributes
    ----------
    in_stream : {"in_turn", "shuffled"} or None
        How it visits the samples of a stream: in the order of the source, or in a random order, as far as the pieces and the buffer of
        the stream allow. None if it chooses by looking at all samples: `fit` then refuses a stream.
    """

    in_stream: ClassVar[str | None] = None

    @property
    def uses_weights(self) -> bool:
        """Whether samples are chosen by ``sample_weight``, so that in training each visit counts 1. False unless overridden."""
        return False

    def length(self, samples: SampleInfo) -> int:
        """How many samples an epoch visits: the same number in every epoch, since schedules span the steps of a fit.

        Parameters
        ----------
        samples : SampleInfo

        Returns
        -------
        int
            At least 1. A sample that is visited twice counts twice.

        Raises
        ------
        DataError, ParameterError
            If these samples cannot be visited in this way. `fit` asks before it changes anything.
        """
        return samples.n_samples

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray | None:
        """The samples of an epoch, as numbers of rows.

        Parameters
        ----------
        samples : SampleInfo
        seed : int
            The network's.
        epoch : int
            Epochs that the network was trained for before this one, in all its life.

        Returns
        -------
        ndarray of shape (length,), int64, or None
            Numbers from 0 to ``n_samples - 1``; the host checks that. None stands for all samples in the order of the data, and is then
            faster.
        """
        raise NotImplementedError(f"{type(self).__name__}.order")
