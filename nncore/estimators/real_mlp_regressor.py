"""RealMLP for real targets."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import as_numbers
from nncore.errors import DataError, ParameterError
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS
from nncore.estimators.real_answers import RealAnswers
from nncore.estimators.real_mlp import RealMLP
from nncore.estimators.real_targets import RealTargets
from nncore.estimators.recipes import Recipe, recipe
from nncore.losses.poisson import Poisson
from nncore.words import explains_calls


@explains_calls
class RealMLPRegressor(RealAnswers, RealMLP):
    """An ensemble of multi-layer perceptrons for regression on tables, by recipes that need no tuning.

    Parameters
    ----------
    preset : {"td", "td-s", "fast"}, default "td"
        The recipe that says what the parameters below are where they are None. ``"td"`` and ``"td-s"`` are RealMLP-TD and its simpler
        variant TD-S: one network of three layers of 256 units for 256 epochs, on four fifths of the samples, at the epoch of the best
        error on the rest. ``"fast"`` averages eight small networks, one for each fold of a cross-validation, each at its
        epoch of the best validation loss; it takes a fraction of the time.
    n_cv : int, optional
        Folds of cross-validation: each is left out of the training of `n_ens` networks, and validates them. 1 holds out
        `validation_fraction` of the samples. With `X_val`, which validates all of them, there are ``n_cv * n_ens`` networks.
    n_ens : int, optional
        Networks for each fold, with other first values and orders of samples.
    n_refit : int, optional
        Networks that are trained in the end on all samples, for the mean of the best epochs, and predict in place of the others. 0
        keeps those of the folds.
    time_limit : float, optional
        Seconds after which the fit ends, with what is best by then. All networks share them.
    hidden_layer_sizes : int or sequence of int, optional
        Units of each hidden layer.
    activation : str, Activation, dict or list, optional
        Of the hidden layers; a list has one for each.
    parametric_activation : bool, optional
        Each hidden unit learns how much of the activation it takes (`nncore.ParametricActivation`).
    front_scale : bool, optional
        Inputs have learned factors (`nncore.Scale`).
    numerical_embedding : bool or dict, optional
        Columns of numbers get learned periodic functions of them; a dict has arguments of `nncore.PeriodicEmbedding`.
    initializer : {"default", "standard_normal", "data_hull"}, optional
        First values: ``"default"`` is what layers take for their activation; ``"standard_normal"`` draws weights and biases from N(0, 1)
        for the neural tangent parametrisation, and the output layer is 0; ``"data_hull"`` is `nncore.DataHull`. With the latter two,
        learned vectors of categories are drawn from N(0, 1).
    ntk : bool, optional
        Train as in the neural tangent parametrisation x·W/√d: weights of a layer of d inputs have the learning rate divided by √d.
    lr_factors : dict of str to float, optional
        Factors of the learning rate of ``"bias"``, ``"scale"``, ``"numerical_embedding"``, ``"activation"`` and ``"embedding"``.
    dropout : float or sequence of float, optional
        Part of the units that is dropped after each hidden layer while training.
    dropout_schedule : str, Schedule or dict, optional
        How it moves over `max_iter` epochs.
    solver : str, Optimizer or dict, optional
        An optimizer of the registry: by name, with `learning_rate_init` and `weight_decay`, or with numbers of its own.
    learning_rate_init : float, optional
        The learning rate, or the one that `learning_rate` begins with.
    learning_rate : str, Schedule or dict, optional
        ``"constant"``, or a schedule of the registry, over `max_iter` epochs.
    weight_decay : float, optional
        Decoupled weight decay, for solvers that have one: ``"adamw"``. That of a tensor is multiplied by its factor among `lr_factors`;
        biases have none where they have a factor.
    weight_decay_schedule : str, Schedule or dict, optional
        How it moves over `max_iter` epochs, beside the learning rate.
    batch_size : int or "auto", optional
        Samples of a batch. ``"auto"`` is 64 for up to 1,024 samples, 128 up to 8,192, 256 up to 30,000, 512 up to 100,000, else 1,024.
    drop_last : bool, optional
        Leave out the last batch of an epoch if it is smaller.
    max_iter : int, optional
        Epochs at most.
    n_iter_no_change : int or inf, optional
        Epochs without a better validation score after which the training of a network ends. The best epoch is kept.
    validation_fraction : float, optional
        Part of the samples that is held out with ``n_cv=1``.
    loss : str, Loss, dict or function, default "squared_error"
        As in `MLPRegressor`: ``"poisson"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}``. A length among its
        numbers, such as the δ of ``"huber"``, counts standard deviations of the targets.
    scoring : str, Metric, dict or None, default None
        What the best epoch is chosen by. None and ``"loss"`` are the validation loss, so the RMSE for squared errors; or a metric of the
        registry.
    callbacks : sequence of str, Callback or dict, optional
        Told of progress and epochs, as in `nncore.Sequential.fit`. Each network is given copies.
    random_state : int, RandomState, Generator or None, default None
        Decides folds, first values, order and dropout. The same int gives the same bits, whatever `n_threads` is, unless `time_limit`
        ends the fit.
    n_threads : int, optional
        Threads that networks are trained by, one network each; None is `nncore.get_num_threads`.
    progress : bool, default False
        Show a progress bar.
    dtype : {"float32", "float64"}, default "float32"
        Of the networks.
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        Columns of X that hold categories: those of a frame with text or a categorical type; or names, indices or a mask; or none.
    max_one_hot : int, optional
        Columns of fewer categories than this become one-hot: an input for each, of two categories a single one of 1 and −1; missing and
        unknown ones are 0 in all. Others become a learned vector (`nncore.Embedding`).
    embedding_size : int, optional
        Width of these vectors.
    smooth_clip : float, optional
        Numbers are scaled to z = (x − median) / (q75 − q25), then drawn in to z / √(1 + (z / smooth_clip)²); inf leaves z as it is.
    clip_target : bool, optional
        Predictions stay within the range of the training targets.

    Attributes
    ----------
    networks_ : list of nncore.Sequential
        The networks that predict together. They take columns of X as the training rows of their fold scale them.
    histories_ : list of nncore.History
        Of their training.
    best_epochs_ : list of int
        Best epoch of each network that was validated.
    validation_scores_ : list of float
        Its validation loss, or metric, there.
    n_iter_ : int
        Epochs of the longest training.
    n_outputs_ : int
        Units of the output layer.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    All that is learned of columns, targets and first values, each network learns from its own training rows. What is a category, and which
    columns have missing numbers, is that of all samples given to `fit`. Where a column has NaN in training, the networks have a
    `nncore.FillMissing`; NaN in other columns, met later, becomes their mean. Sparse X is made dense. Samples of weight 0 are left out.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024.

    Breiman, "Bagging predictors", 1996.

    Networks see targets of mean 0 and standard deviation 1; for ``loss="poisson"``, of mean 1. Quantiles of the networks are averaged; with
    ``loss="gaussian_nll"`` the prediction is the mean of the mixture of their distributions, and its deviation that of the mixture.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from nncore.estimators import RealMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RealMLPRegressor(preset="fast", max_iter=30, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    clip_target: bool | None

    def __init__(
        self,
        preset: str = "td",
        *,
        n_cv: int | None = None,
        n_ens: int | None = None,
        n_refit: int | None = None,
        time_limit: float | None = None,
        hidden_layer_sizes: Any = None,
        activation: Any = None,
        parametric_activation: bool | None = None,
        front_scale: bool | None = None,
        numerical_embedding: Any = None,
        initializer: str | None = None,
        ntk: bool | None = None,
        lr_factors: Mapping[str, float] | None = None,
        dropout: Any = None,
        dropout_schedule: Any = None,
        solver: Any = None,
        learning_rate_init: float | None = None,
        learning_rate: Any = None,
        weight_decay: float | None = None,
        weight_decay_schedule: Any = None,
        batch_size: int | str | None = None,
        drop_last: bool | None = None,
        max_iter: int | None = None,
        n_iter_no_change: float | None = None,
        validation_fraction: float | None = None,
        loss: Any = "squared_error",
        scoring: Any = None,
        callbacks: Sequence[Any] | None = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = False,
        dtype: str = "float32",
        categorical_features: Any = "from_dtype",
        max_one_hot: int | None = None,
        embedding_size: int | None = None,
        smooth_clip: float | None = None,
        clip_target: bool | None = None,
    ) -> None:
        self._keep_arguments(locals())

    # ---- the target ---------------------------------------------------------------------------------------------------------

    def _preset(self, given: Given) -> Recipe:
        return recipe(given.preset, is_classifier=False)

    def _learn_target(self, y: Any) -> None:
        self._targets = RealTargets(y)

    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        target: np.ndarray = np.asarray(y, np.float64)
        return target

    def _loss(self, given: Given, recipe: Recipe) -> Loss:
        return self._targets.loss(given.loss)

    def _default_scoring(self, recipe: Recipe, loss: Loss) -> Any:
        return LOSS

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        exposure: Any = None,
        exposure_val: Any = None,
    ) -> Self:
        """Train on samples and their targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Numbers, or a frame of pandas, polars or another library that narwhals knows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), optional
            How much each sample counts, in training and validation.
        X_val, y_val, sample_weight_val : array-like, optional
            What validates all networks, in place of folds of X.
        exposure, exposure_val : array-like of shape (n_samples,), optional
            With ``loss="poisson"``: how much time, area or the like each count in y and `y_val` was made over. The networks learn rates:
            log(exposure) is an offset.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            For an argument of the constructor outside its range, or one that would be ignored.
        DataError
            If there are too few samples, or the training ran into numbers that are not finite.
        """
        weights, weights_val = sample_weight, sample_weight_val
        if exposure is not None:
            y, weights = self._rates(y, exposure, weights, "exposure")
        if exposure_val is not None:
            y_val, weights_val = self._rates(y_val, exposure_val, weights_val, "exposure_val")
        if y_val is not None and (exposure is None) != (exposure_val is None):
            raise ParameterError("exposure and exposure_val go together where there is an X_val: pass both, or neither")
        return self._fit(X, y, weights, (X_val, y_val, weights_val))

    def _rates(self, y: Any, exposure: Any, sample_weight: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """y / exposure, weighted by exposure: for a Poisson deviance the same as an offset of log(exposure)."""
        if not isinstance(RealTargets(np.zeros(1)).loss(self.loss), Poisson):
            raise ParameterError(f"{name} is for loss='poisson', got loss={self.loss!r}")
        counts, exposures = np.asarray(as_numbers(y, "y"), np.float64), _checked_exposure(exposure, name)
        if counts.shape[:1] != exposures.shape:
            raise DataError(f"{name} must have one number for each of the {len(counts)} samples, got shape {exposures.shape}")
        weights = exposures if sample_weight is None else exposures * np.asarray(as_numbers(sample_weight, "sample_weight"), np.float64)
        return counts / exposures.reshape(-1, *[1] * (counts.ndim - 1)), weights

    # ---- using --------------------------------------------------------------------------------------------------------------

    def predict(self, X: Any, return_std: bool = False, exposure: Any = None) -> Any:
        """Predictions for samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        return_std : bool, default False
            With ``loss="gaussian_nll"``: the standard deviations too.
        exposure : array-like of shape (n_samples,), optional
            With ``loss="poisson"``: what predicted rates are multiplied by.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), or two of them
            A loss with several outputs for each target (quantiles) has them along a last axis.
        """
        predictions = super().predict(X, return_std)
        if exposure is None:
            return predictions
        if not isinstance(self._fitted_loss, Poisson):
            raise ParameterError(f"exposure is for loss='poisson'; this was trained with {self._fitted_loss!r}")
        exposures = _checked_exposure(exposure, "exposure")
        if len(exposures) != len(predictions):
            raise DataError(f"exposure must have one number for each of the {len(predictions)} samples, got shape {exposures.shape}")
        return predictions * exposures.reshape(-1, *[1] * (np.ndim(predictions) - 1))


def _checked_exposure(exposure: Any, name: str) -> NDArray[np.float64]:
    values = np.asarray(as_numbers(exposure, name), np.float64)
    if values.ndim != 1 or not (np.isfinite(values) & (values > 0)).all():
        raise DataError(f"{name} must be finite numbers above 0, one for each sample")
    return values
