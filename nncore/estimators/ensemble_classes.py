"""Ensembles that classify: what classes make of targets, losses and folds."""

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
    """An ensemble that classifies; subclasses know the networks."""

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
            raise ParameterError(f"{loss!r} has no logits that a temperature could divide: leave temperature_scaling at None")
        if not recipe.label_smoothing:
            return loss
        if "label_smoothing" not in type(loss).argument_names:
            raise ParameterError(f"{loss!r} has no label smoothing: use loss={LOG_LOSS!r}, or label_smoothing=0")
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
            Numbers, or a frame of pandas, polars or another library that narwhals knows. What need not fit in memory goes by in blocks,
            again and again: the path of a Parquet, Feather, CSV or NumPy file, of a folder, or a pattern of names; a dataset of Arrow; or
            what gives batches ``(X, y)`` or ``(X, y, sample_weight)`` anew each time: a loader, a function that returns an iterator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes; several columns of 0 and 1 for labels that may go together, or of classes of their own. Of files and datasets, the
            name of a column, or a list of them; None for batches.
        sample_weight : array-like of shape (n_samples,) or str, optional
            How much each sample counts, in training and validation; of files and datasets, the name of a column.
        X_val, y_val, sample_weight_val : array-like, optional
            What validates all networks, in place of folds of X. Files and the like, too, if X goes by in blocks.
        groups : array-like of shape (n_samples,), optional
            Samples of one group, such as those of one patient, are never trained on in a fold that they validate. Numbers, texts or dates.
        times : array-like of shape (n_samples,), optional
            Numbers or dates: `validation_fraction` of the samples, the latest, validate all ``n_cv * n_ens`` networks, in place of folds.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            For an argument of the constructor outside its range, or one that would be ignored.
        DataError
            If there are too few samples, groups or times, or one is missing, or the training ran into numbers that are not finite.

        Notes
        -----
        Where X goes by in blocks, a hash of the number of a sample and the seed decides which fold holds it out. A quarter of
        `memory_limit` is for the samples that judge, of all folds together: limit / 4 / (8 · (columns + inputs + outputs)) of them,
        400,000 for 20 numbers and 512 MiB. Of larger folds the samples of the least hashes judge, and the others rest. Networks are
        trained one after the other, by `n_threads` threads each, and each is kept at its own best epoch, also with `n_ens`. Folds do not
        keep the proportions of classes, and samples of weight 0 have places in batches. `tune`, `groups` and `times` need all samples in
        memory, and so does a scorer as `scoring`, unless `X_val` is.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), groups, times)
