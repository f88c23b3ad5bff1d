"""Check the transforms of a fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.blocks import rows_at_once
from nncore.contract import Loss, Transform, is_inside
from nncore.data import Dataset, StreamedDataset
from nncore.errors import DataError, DtypeError, ParameterError
from nncore.program import Blueprint, changeable_columns

#: Number of rows of targets that are mixed on trial.
_TRIED = 4096


def check_transforms(transforms: Sequence[Transform], loss: Loss, data: Dataset | StreamedDataset, blueprint: Blueprint) -> None:
    """Raise `ParameterError` for columns that a transform cannot change, and for targets that cannot be mixed."""
    if transforms and data.is_sparse:
        raise DtypeError(
            f"X is sparse, and {transforms[0]!r} changes every number of a sample: leave the transform out, or pass X.toarray()"
        )
    for transform in transforms:
        changeable_columns(transform, blueprint)
        if transform.mixes_targets:
            _check_mixtures(transform, loss, data, blueprint.n_outputs)


def _check_mixtures(transform: Transform, loss: Loss, data: Dataset | StreamedDataset, n_outputs: int) -> None:
    """Raise unless the loss takes mixtures of the targets."""
    why = f"{transform!r} mixes the targets of samples, and {loss!r} does not take mixtures"
    remedy = "leave the transform out, or use a loss that does (softmax_cross_entropy for classes, mse for numbers)"
    labels, n_targets = data.targets.labels, loss.n_targets(n_outputs)
    if labels is not None and (loss.targets_for(n_outputs) == "labels" or loss.n_labels(n_outputs) != n_targets):
        raise ParameterError(f"{why}: it takes class indices, not a probability for each class; {remedy}")
    rows = slice(None, None, -(-len(data.targets) // rows_at_once(n_targets * data.dtype.itemsize, _TRIED)))
    reals = labels[rows, None] == np.arange(n_targets) if labels is not None else data.targets.values[rows]
    mixed = np.asarray(0.7 * reals + 0.3 * np.roll(reals, 1, axis=0), data.dtype)
    try:
        if loss.target_range is not None and not is_inside(mixed, loss.target_range).all():
            raise DataError(f"they leave {loss.target_range}")
        loss.check_targets(mixed, "a mixture")
    except DataError as error:
        raise ParameterError(f"{why}: {error}; {remedy}") from None
