"""Ensembles for regression: targets, losses, weights and predictions."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import Stream, StreamMemory, as_numbers
from nncore.ensembles import Recipe
from nncore.errors import DataError, ParameterError
from nncore.estimators.ensemble import Ensemble
from nncore.estimators.fit_tasks import with_callbacks
from nncore.estimators.frame_streams import raw_stream
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS
from nncore.estimators.network_estimator import checked_weights, joined
from nncore.estimators.real_answers import RealAnswers
from nncore.estimators.real_targets import RealTargets
from nncore.estimators.streamed_rows import blocks_of
from nncore.words import explains_calls


@explains_calls
class RealEnsemble(RealAnswers, Ensemble):
    """Base class of ensembles for regression. Subclasses define the networks."""

    # ---- the target ---------------------------------------------------------------------------------------------------------

    def _learn_target(self, y: Any) -> None:
        self._targets = RealTargets(y)

    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        target: np.ndarray = np.asarray(y, np.float64)
        return target

    def _loss(self, given: Given, recipe: Recipe) -> Loss:
        return self._targets.loss(given.loss)

    def _default_scoring(self, recipe: Recipe, loss: Loss) -> Any:
        return LOSS

    def _as_judged(self, outputs: NDArray[np.floating], targets: np.ndarray) -> tuple[NDArray[np.floating], np.ndarray]:
        scales = [members.target.std for members in self._members if members.target is not None and members.target.is_standard]
        if not scales:
            return outputs, targets
        unit = np.mean(scales, axis=0)  # each fold has its own scale
        return outputs / np.repeat(unit, outputs.shape[1] // len(unit)), targets / unit

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
        exposure: Any = None,
        exposure_val: Any = None,
        *,
        groups: Any = None,
        times: Any = None,
    ) -> Self:
        """Train on samples and their targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), path, dataset or batches
            Numbers, or a frame of pandas, polars or another library that narwhals supports. Data that need not fit in memory is read in
            blocks, several times. It is given as the path of a Parquet, Feather, CSV or NumPy file or of a folder, a pattern of file names,
            or an Arrow dataset. Batches ``(X, y)`` or ``(X, y, sample_weight)`` come from what can be iterated anew for each epoch: a
            loader, or a function that returns an iterator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. For files and datasets, the name of a column, or a list of names; for batches, None.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weight of each sample, in training and validation. For files and datasets, the name of a column.
        X_val, y_val, sample_weight_val : array-like, optional
            Validation data for all networks, instead of folds of X. May be files, datasets or batches if X is read in blocks.
        exposure, exposure_val : array-like of shape (n_samples,), optional
            With ``loss="poisson"`` or ``"tweedie"``: the time, area or other exposure over which each count or amount in y and `y_val` was
            observed. The networks learn rates, weighted by exposure; for counts that equals an offset of log(exposure).
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
        weights, weights_val = sample_weight, sample_weight_val
        for name, given, rows in (("exposure", exposure, X), ("exposure_val", exposure_val, X_val)):
            if given is not None and raw_stream(rows, None, None) is not None:
                raise ParameterError(
                    f"{name} needs counts in memory, but X is read in blocks: pass a column of rates, counts / {name}, as y, and the "
                    f"column of {name} as sample_weight"
                )
        if exposure is not None:
            y, weights = self._rates(y, exposure, weights, "exposure")
        if exposure_val is not None:
            y_val, weights_val = self._rates(y_val, exposure_val, weights_val, "exposure_val")
        if y_val is not None and (exposure is None) != (exposure_val is None):
            raise ParameterError("with X_val, only one of exposure and exposure_val is given: pass both, or neither")
        return self._fit(X, y, weights, (X_val, y_val, weights_val), groups, times)

    def _rates(self, y: Any, exposure: Any, sample_weight: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """y / exposure, weighted by exposure: for a Poisson deviance the same as an offset of log(exposure); see `Tweedie`."""
        if not RealTargets(np.zeros(1)).loss(self.loss).predicts_rates:
            raise ParameterError(f"{name} needs loss='poisson' or loss='tweedie', got loss={self.loss!r}")
        counts, exposures = np.asarray(as_numbers(y, "y"), np.float64), _checked_exposure(exposure, name)
        if counts.shape[:1] != exposures.shape:
            raise DataError(f"{name} must have one number for each of the {len(counts)} samples, got shape {exposures.shape}")
        weights = exposures if sample_weight is None else exposures * np.asarray(as_numbers(sample_weight, "sample_weight"), np.float64)
        return counts / exposures.reshape(-1, *[1] * (counts.ndim - 1)), weights

    def _score_of_blocks(self, raw: Stream) -> float:
        if self._fitted_loss.judge is None:
            return super()._score_of_blocks(raw)
        memory, found, n = StreamMemory.by(self.memory_limit, None), list[tuple[Any, ...]](), 0
        for block in blocks_of(raw, self.memory_limit):
            found.append((self._outputs(block.X), self._checked_target(block.y), checked_weights(block.sample_weight, block.X)))
            n += len(found[-1][0])
            memory.check_kept(n, 8 * (self.n_outputs_ + self._targets.n_targets + 1), "score")
        if not found:
            raise DataError(f"{raw.source} has no samples")
        outputs, targets, weights = zip(*found, strict=True)
        whole = object()  # marker for all samples, whose outputs are known
        known = self._stand_in(whole, joined(list(outputs)), self.networks_[0])
        score: float = known.score(whole, joined(list(targets)), None if weights[0] is None else joined(list(weights)))
        return score

    # ---- using --------------------------------------------------------------------------------------------------------------

    def predict(self, X: Any, return_std: bool = False, exposure: Any = None) -> Any:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, as in `fit`.
        return_std : bool, default False
            Also return the standard deviations; needs ``loss="gaussian_nll"``.
        exposure : array-like of shape (n_samples,), optional
            Multiplies the predicted rates; needs ``loss="poisson"`` or ``"tweedie"``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), or two of them
            Predictions. If a loss has several outputs for each target, such as quantiles, they are along a last axis.
        """
        predictions = super().predict(X, return_std)
        if exposure is None:
            return predictions
        if not self._fitted_loss.predicts_rates:
            raise ParameterError(f"exposure needs loss='poisson' or loss='tweedie'; this estimator was trained with {self._fitted_loss!r}")
        exposures = _checked_exposure(exposure, "exposure")
        if len(exposures) != len(predictions):
            raise DataError(f"exposure must have one number for each of the {len(predictions)} samples, got shape {exposures.shape}")
        return predictions * exposures.reshape(-1, *[1] * (np.ndim(predictions) - 1))


def _checked_exposure(exposure: Any, name: str) -> NDArray[np.float64]:
    values = np.asarray(as_numbers(exposure, name), np.float64)
    if values.ndim != 1 or not (np.isfinite(values) & (values > 0)).all():
        raise DataError(f"{name} must be finite numbers above 0, one for each sample")
    return values
