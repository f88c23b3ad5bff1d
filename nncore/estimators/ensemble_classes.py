"""Ensembles for classification: targets, losses and folds."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.ensembles import Recipe, Validated, at_temperature, has_temperature, temperature_of
from nncore.errors import ParameterError
from nncore.estimators.class_answers import ClassAnswers
from nncore.estimators.class_targets import HEADS, LOG_LOSS, MULTILABEL, ClassTargets
from nncore.estimators.ensemble import Ensemble
from nncore.estimators.fit_tasks import with_callbacks
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS
from nncore.network import Sequential
from nncore.words import explains_calls


@explains_calls
class ClassEnsemble(ClassAnswers, Ensemble):
    """Base class of ensembles for classification. Subclasses define the networks."""

    class_weight: Any
    temperature_: float

    # ---- the target ---------------------------------------------------------------------------------------------------------

    def _learn_target(self, y: Any) -> None:
        self._targets = ClassTargets(y)
        self.classes_ = self._targets.classes

    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        return self._targets.encode(y, loss)

    def _loss(self, given: Given, recipe: Recipe) -> Loss:
        spec = given.loss
        if recipe.one_logit_a_class and isinstance(spec, str) and spec == LOG_LOSS and self._targets.kind == "binary":
            spec = "softmax_cross_entropy" if len(self.classes_) == 2 else spec
        loss = self._targets.loss(spec)
        if vars(self).get("temperature_scaling") and not has_temperature(loss):
            raise ParameterError(f"{loss!r} has no logits to divide by a temperature: leave temperature_scaling at None")
        if not recipe.label_smoothing:
            return loss
        if "label_smoothing" not in type(loss).argument_names:
            raise ParameterError(f"{loss!r} does not support label smoothing: use loss={LOG_LOSS!r}, or label_smoothing=0")
        return type(loss)(**loss.config() | {"label_smoothing": float(recipe.label_smoothing)})

    def _default_scoring(self, recipe: Recipe, loss: Loss) -> Any:
        accuracy = self._targets.accuracy(loss) if recipe.judged_by_error else LOSS
        return LOSS if callable(accuracy) else accuracy

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        if self._targets.kind in (MULTILABEL, HEADS):
            return None
        return target if target.ndim == 1 else target.argmax(axis=1) if target.shape[1] > 1 else target[:, 0]

    def _alone(self, network: Sequential) -> dict[str, Any]:
        return super()._alone(network) | {"temperature_": 1.0}

    def _calibrate(self, recipe: Recipe, loss: Loss, validated: Callable[[], Validated]) -> None:
        scales = recipe.temperature_scaling and has_temperature(loss)
        self.temperature_ = temperature_of(*validated(), loss) if scales else 1.0

    def _at_temperature(self, outputs: NDArray[np.floating], loss: Loss) -> NDArray[np.floating]:
        return at_temperature(outputs, loss, self.temperature_)

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        *,
        groups: Any = None,
        times: Any = None,
    ) -> Self:
        """Train on samples and their classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), path, dataset or batches
            Numbers, or a frame of pandas, polars or another library that narwhals supports. Data that need not fit in memory is read in
            blocks, several times. It is given as the path of a Parquet, Feather, CSV or NumPy file or of a folder, a pattern of file names,
            or an Arrow dataset. Batches ``(X, y)`` or ``(X, y, sample_weight)`` come from what can be iterated anew for each epoch: a
            loader, or a function that returns an iterator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes. Several columns are either 0 and 1, for labels that may occur together, or one classification target each. For files
            and datasets, the name of a column, or a list of names; for batches, None.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weight of each sample, in training and validation. For files and datasets, the name of a column.
        X_val, y_val, sample_weight_val : array-like, optional
            Validation data for all networks, instead of folds of X. May be files, datasets or batches if X is read in blocks.
        groups : array-like of shape (n_samples,), optional
            Group of each sample, such as a patient, as numbers, texts or dates. All samples of a group are in the same fold, so a network
            never trains on a group that validates it.
        times : array-like of shape (n_samples,), optional
            Time of each sample, as numbers or dates. The latest `validation_fraction` of the samples validate all ``n_cv * n_ens``
            networks, instead of folds.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            An argument of the constructor is outside its range, or would be ignored.
        DataError
            There are too few samples, groups or times, one is missing, or numbers became infinite or NaN during training.

        Notes
        -----
        If X is read in blocks, a hash of a sample's number and the seed decides which fold it validates. A quarter of `memory_limit` holds
        the validation samples of all folds together. That is room for limit / 4 / (8 · (columns + inputs + outputs)) samples: 400,000 for
        20 numbers and 512 MiB. In larger folds, the samples with the smallest hashes validate, and the others are not used. Networks are
        trained one after the other, with `n_threads` threads each. Each has its own best epoch, also with `n_ens`. Folds are not
        stratified, and samples of weight 0 count in the size of a batch. `tune`, `groups` and `times` need all samples in memory; a scorer
        as `scoring` does too, unless `X_val` is in memory.

        Sparse batches are gathered in memory, up to `memory_limit`, and trained on like a sparse matrix: nothing of this applies to them.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), groups, times)
