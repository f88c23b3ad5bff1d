"""Samples of a group in the same batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.arguments import shown, whole_number
from nncore.errors import ParameterError
from nncore.plugin import SampleInfo, Sampler, permutation
from nncore.samplers.passes import digest_of, drawn_evenly, members_of


class GroupedSampler(Sampler):
    """Visit the samples of a group one after the other: groups in random order, and samples of each in random order.

    Use it for losses that compare the samples of a batch (ranking within a query, contrastive losses, `needs_batch`). It also puts the
    samples of a patient, day or query into the same batch.

    Parameters
    ----------
    groups : array_like of shape (n_rows,), optional
        Whole numbers or texts, one for each row of the data of `fit`, including a validation fraction. Rows with the same value are a
        group. They are stored as numbers from 0. None: the classes of the targets are the groups.
    per_group : int, optional
        Number of samples of each group in an epoch, drawn without replacement as in `nncore.BalancedSampler`. None: every sample once.

    Notes
    -----
    A batch ends after `batch_size` samples, also within a group. With `per_group` no batch splits a group if `batch_size` is a multiple of
    it: ``per_group=4, batch_size=32`` makes batches of 8 groups with 4 samples each.

    References
    ----------
    Hermans, Beyer & Leibe, "In defense of the triplet loss for person re-identification", 2017 (batches of P groups with K samples).
    """

    def __init__(self, groups: Any = None, per_group: int | None = None) -> None:
        self.groups = groups
        self.per_group = per_group

    def validate(self) -> None:
        super().validate()
        if self.per_group is not None:
            self.per_group = whole_number("GroupedSampler: per_group", self.per_group, 1)
        if self.groups is None:
            return
        try:
            values = np.asarray(self.groups)
            codes = np.unique(values, return_inverse=True)[1]
            is_one_each = values.ndim == 1 and len(values) > 0
        except (TypeError, ValueError):  # rows of different lengths, or values of several kinds
            is_one_each = False
        if not is_one_each:
            raise ParameterError(f"GroupedSampler: groups must be numbers or texts, one for each row of the data, got {shown(self.groups)}")
        self.groups = np.asarray(codes, np.int64).reshape(-1)

    def __repr__(self) -> str:
        groups = None if self.groups is None else f"<{self.groups.max() + 1} groups of {len(self.groups)} rows, {digest_of(self.groups)}>"
        return f"GroupedSampler(groups={groups}, per_group={self.per_group})"

    def _codes(self, samples: SampleInfo) -> np.ndarray:
        """The group of each sample, numbered without gaps."""
        if self.groups is None:
            return samples.classes()
        return np.unique(samples.chosen(self.groups, "GroupedSampler: groups"), return_inverse=True)[1].reshape(-1)

    def length(self, samples: SampleInfo) -> int:
        codes = self._codes(samples)
        return len(codes) if self.per_group is None else self.per_group * int(codes.max() + 1)

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        codes = self._codes(samples)
        n_groups = int(codes.max()) + 1
        if self.per_group is not None:
            drawn = drawn_evenly(members_of(codes), self.per_group, seed, epoch)
            return np.concatenate([drawn[group] for group in permutation(n_groups, seed, epoch * (n_groups + 1))])
        place = np.empty(n_groups, np.int64)  # of each group among the groups
        place[permutation(n_groups, seed, 2 * epoch)] = np.arange(n_groups)
        mixed = permutation(len(codes), seed, 2 * epoch + 1)
        return mixed[np.argsort(place[codes[mixed]], kind="stable")]
