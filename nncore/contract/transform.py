"""Transforms: what happens to a gathered batch in training, before the first layer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncore.arguments import is_whole, shown
from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.errors import ParameterError


@dataclass
class TransformCall:
    """What a transform sees of one batch; the twin of ``nnc_transform_call`` in ``nncore/plugin.h``. All arrays are live views.

    Attributes
    ----------
    source : ndarray of shape (n_rows, n_inputs)
        The batch as the transform before this one left it, not to be written to.
    x : ndarray of the same shape
        A copy of it, to be changed by `Transform.apply`.
    columns : ndarray of shape (n_inputs,), bool
        The columns that may change. The host puts the others back: codes of categories, and what the user left out.
    source_target, target : ndarray of shape (n_rows, n_targets) or None
        Real targets, one-hot ones where the user gave class indices; None unless `Transform.mixes_targets`.
    source_weight, weight : ndarray of shape (n_rows,) or None
        Shares of the rows in the loss. They sum to 1, and have to afterwards. None likewise.
    seed, step, layer : int
        Key of the random numbers of this call, for `nncore.plugin.random_words`; `layer` stands for the transform's place in the list.
    """

    source: np.ndarray
    x: np.ndarray
    columns: np.ndarray
    source_target: np.ndarray | None = None
    target: np.ndarray | None = None
    source_weight: np.ndarray | None = None
    weight: np.ndarray | None = None
    seed: int = 0
    step: int = 1
    layer: int = 0


class Transform(Configurable):
    """What happens to a gathered batch in training, before the first layer sees it: noise, mixtures of samples, features left out.

    ``fit(transforms=[...])`` applies transforms in their order, to every batch anew. Predictions, scores and validation see the data as
    they are. All transforms take ``columns``, the features that they may change; their authors write nothing for it.

    A missing value (NaN) stays missing. Random numbers come from the key in the call alone, so that a fit that is resumed from a file meets
    the batches that it would have met.

    Attributes
    ----------
    mixes_targets : bool
        Whether targets and weights are changed, too. Class indices are then handed over as one-hot targets, and `fit` refuses a loss that
        does not take mixtures of its targets.
    columns : list of int or None
        Features that may change, counted in flat order; None stands for all but codes of categories, which never change.
    kernel : Kernel or None
        The same in C: ``nnc_transform`` of ``nncore/plugin.h``.
    """

    common: ClassVar[tuple[str, ...]] = ("columns",)
    mixes_targets: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = None
    columns: list[int] | None = None

    def validate(self) -> None:
        """Raise `ParameterError` for a hyperparameter outside `ranges`, or columns that are none."""
        super().validate()
        columns = self.columns
        if columns is None:
            return
        is_list = isinstance(columns, (list, tuple, range, np.ndarray)) and len(columns) > 0
        if not is_list or not all(is_whole(column) and column >= 0 for column in columns) or len(set(columns)) < len(columns):
            raise ParameterError(
                f"{type(self).__name__}: columns must be None or different whole numbers of at least 0, one or more, got {shown(columns)}"
            )
        self.columns = [int(column) for column in columns]

    def apply(self, call: TransformCall) -> None:
        """Change ``call.x``, and with `mixes_targets` ``call.target`` and ``call.weight``.

        Whatever is not written stays as it is in the source.
        """
        raise NotImplementedError(f"{type(self).__name__}.apply")
