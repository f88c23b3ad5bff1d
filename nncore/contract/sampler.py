"""Samplers: choose and order the samples of an epoch."""

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
    """The samples of a fit, as a sampler sees them. The arrays are read-only.

    Attributes
    ----------
    n_samples : int
        Number of training samples.
    labels : ndarray of shape (n_samples,), int64, or None
        Class indices, if the loss uses them.
    targets : ndarray of shape (n_samples, n_targets) or None
        Real targets, if there are no labels.
    weights : ndarray of shape (n_samples,) or None
        ``sample_weight`` in float64, times a power of two so that the largest is from 1 to 2. None is 1 for all.
    rows : ndarray of shape (n_samples,), int64, or None
        Row numbers of the samples in the data, if a part is held out for validation. None for all rows in order.
    n_rows : int
        Number of rows of the data, including those held out.
    """

    n_samples: int
    labels: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    rows: np.ndarray | None = None
    n_rows: int = 0

    def chosen(self, values: np.ndarray, what: str) -> np.ndarray:
        """Select the values of these samples from an argument with one value for each row of the data.

        Parameters
        ----------
        values : ndarray of shape (n_rows,)
            The argument.
        what : str
            Its name for the error: ``"GroupedSampler: groups"``.

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
        """Find the class of each sample, from labels or from targets that encode classes.

        Targets encode classes if every row has a single 1 among zeros (one-hot) or among −1, or if there is one column with at most two
        different values.

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
                "sampler='shuffle' (with sample_weight to weight samples)"
            )
        classes = np.asarray(np.unique(found, return_inverse=True)[1], np.int64).reshape(-1)
        classes.flags.writeable = False
        return classes


def _classes_of(targets: np.ndarray | None) -> np.ndarray | None:
    """Class of each sample; None if the targets are real numbers."""
    if targets is None:
        return None
    if targets.shape[1] == 1:
        return targets[:, 0] if len(np.unique(targets)) <= 2 else None
    is_one, low = targets == 1, targets.min()
    is_one_hot = low in (0, -1) and bool((is_one.sum(axis=1) == 1).all()) and bool(((targets == low) | is_one).all())
    return is_one.argmax(axis=1) if is_one_hot else None


def permutation(n: int, seed: int, number: int) -> np.ndarray:
    """Return the numbers 0 to n − 1 in a random order that depends only on `seed` and `number`; for samplers.

    Parameters
    ----------
    n : int
        Below 2**32 − 1.
    seed : int
        Below 2**64: the seed that `Sampler.order` gets.
    number : int
        Below 2**64. Each number gives another order: the epoch, or a number for each of several orders in an epoch.

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
    """Base class of samplers: choose and order the samples of an epoch.

    A fit works with a copy of the sampler. An order must depend only on the samples, the seed, the epoch and the hyperparameters. So a
    resumed fit has the same order, and threads change nothing.

    Samples of a stream are never in memory together, so `length` and `order` are not called for them. `in_stream` says how this sampler
    visits a stream.

    Attributes
    ----------
    in_stream : {"in_turn", "shuffled"} or None
        Order of the samples of a stream: that of the source, or random, as far as the pieces and the buffer of the stream allow. None if
        the sampler needs all samples: `fit` then raises an error for a stream.
    """

    in_stream: ClassVar[str | None] = None

    @property
    def uses_weights(self) -> bool:
        """Whether samples are chosen by ``sample_weight``, so that each visit has weight 1 in training. False by default."""
        return False

    def length(self, samples: SampleInfo) -> int:
        """Return the number of visits in an epoch. It is the same in every epoch, since schedules span the steps of a fit.

        Parameters
        ----------
        samples : SampleInfo
            The samples of the fit.

        Returns
        -------
        int
            At least 1. A sample that is visited twice counts twice.

        Raises
        ------
        DataError, ParameterError
            If the sampler does not work with these samples. `fit` calls this before it changes anything.
        """
        return samples.n_samples

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray | None:
        """Return the samples of an epoch in order, by their numbers.

        Parameters
        ----------
        samples : SampleInfo
            The samples of the fit.
        seed : int
            Seed of the network.
        epoch : int
            Number of epochs before this one, over all fits of the network.

        Returns
        -------
        ndarray of shape (length,), int64, or None
            Numbers from 0 to ``n_samples - 1``, which the host checks. None is all samples in the order of the data, and faster.
        """
        raise NotImplementedError(f"{type(self).__name__}.order")
