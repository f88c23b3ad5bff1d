"""A multi-layer perceptron for regression."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.estimators.architecture import dense_parameters
from nncore.estimators.available import available_if
from nncore.estimators.fit_tasks import with_callbacks
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS
from nncore.estimators.mlp import MultilayerPerceptron
from nncore.estimators.real_answers import RealAnswers
from nncore.estimators.real_targets import RealTargets
from nncore.network import Sequential, metric_name
from nncore.registry import resolve
from nncore.typing import (
    ActivationsLike,
    CallbackLike,
    LayerLike,
    RateLike,
    RealLossLike,
    SamplerLike,
    ScoringLike,
    SolverLike,
    TransformLike,
)
from nncore.words import explains_calls


@explains_calls
class MLPRegressor(RealAnswers, MultilayerPerceptron):
    """A multi-layer perceptron for regression: scikit-learn's, in a compiled core, with what its users asked for.

    Parameters
    ----------
    loss : str, Loss, dict or function, default "squared_error"
        ``"squared_error"`` is half of it, ``"poisson"`` half the deviance, from the logarithm of the rate; ``"absolute_error"``,
        ``"huber"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}`` or any other loss of the registry, or
        ``function(output, target)`` that returns the loss of each sample and its gradient. The network ends in the activation that the
        loss needs.
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer.
    activation : str, Activation, dict or list, default "relu"
        ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"`` or any activation of the registry; a list has one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs"}, str, Optimizer or dict, default "adam"
        ``"sgd"`` has Nesterov's momentum, momentum or neither, as `momentum` and `nesterovs_momentum` say. ``"lbfgs"`` is L-BFGS, on all
        samples at once and in float64, by the steps of SciPy's; it suits small data. Any optimizer of the registry by name, with
        `learning_rate_init`, or as an instance, with its own hyperparameters.
    alpha : float, default 0.0001
        Strength of the L2 penalty ½·alpha·ΣW² / n of a batch of n samples (of all dense layers' weights).
    batch_size : int or "auto", default "auto"
        Samples of a batch; ``"auto"`` is 200, or all if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, str, Schedule or dict, default "constant"
        ``"invscaling"`` is learning_rate_init / (samples seen + 1)^power_t, ``"adaptive"`` divides by 5 instead of ending the fit when
        nothing improves, until the rate is 1e-6; Adam ignores both. Any schedule of the registry, over `max_iter` epochs; or a dict of
        schedules by the paths of the numbers that they move, as in `nncore.Sequential.fit`:
        ``{"lr": "cosine", "dropout_1.rate": "flat_cosine"}``.
    learning_rate_init : float, default 0.001
        The learning rate, or the one that `learning_rate` begins with.
    power_t : float, default 0.5
        The rate falls with this power of time for ``learning_rate="invscaling"``.
    max_iter : int, default 200
        Epochs, or iterations of L-BFGS, at most.
    shuffle : bool, default True
        Visit the samples in a new order every epoch.
    random_state : int, RandomState, Generator or None, default None
        Decides first values, split, order and dropout. The same int gives the same bits, whatever `n_threads` is.
    tol : float, default 1e-4
        What an epoch must improve by. For L-BFGS, the largest entry of the gradient at which it has converged.
    verbose : bool or int, default False
        Print the loss of every epoch.
    warm_start : bool, default False
        `fit` goes on from the last solution.
    momentum : float, default 0.9
        How slowly past gradients are forgotten.
    nesterovs_momentum : bool, default True
        Both for ``solver="sgd"``.
    early_stopping : bool, default False
        Judge epochs by a score on validation data in place of the training loss. Without `X_val`, `validation_fraction` of the samples
        is kept out for it.
    validation_fraction : float, default 0.1
        Part of the samples that `early_stopping` holds out.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999, 1e-8
        Of Adam and its like.
    n_iter_no_change : int or inf, default 10
        The fit ends when more epochs than this in a row did not improve.
    max_fun : int, default 15000
        Evaluations of loss and gradient by L-BFGS at most.
    layers : sequence of Layer, str or dict, optional
        Hidden layers of your own, any of the registry, in place of what `hidden_layer_sizes`, `activation`, `dropout` and `normalization`
        describe.
    dropout : float or sequence of float, default 0.0
        Part of the units that is dropped after each hidden layer while training; one number, or one for each layer.
    normalization : {None, "batch_norm", "layer_norm"}, str or dict, default None
        A layer of the registry between every dense layer and its activation.
    scoring : str, callable, Metric or None, default None
        What is monitored on validation data, higher being better: ``"loss"`` (its negative), a metric of the registry, one of
        scikit-learn's scorers by name, or ``scorer(estimator, X, y)``. None is what `score` returns.
    callbacks : sequence of str, Callback or dict, optional
        Told of progress and epochs, as in `nncore.Sequential.fit`; not by L-BFGS. Each fit works with copies.
    clip_norm : float, optional
        Gradients longer than this are scaled down to it.
    time_limit : float, optional
        Seconds after which the fit ends.
    n_threads : int, optional
        None is `nncore.get_num_threads`.
    progress : bool, default False
        Show a progress bar.
    dtype : {"input", "float32", "float64"}, default "input"
        Of the network. ``"input"`` is float32 for X of float32 and float64 for anything else, as in scikit-learn; float32 is up to
        twice as fast.
    precision : {"float32", "bfloat16", "auto"}, optional
        ``"bfloat16"`` makes the matrix products of training from factors rounded to bfloat16, as ``precision`` of `nncore.Sequential.fit`
        says; ``"auto"`` does so where it is measured to be faster. Where it is given, ``dtype="input"`` is float32. Not with
        ``solver="lbfgs"``.
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        Columns of X that hold categories: those of a frame with text or a categorical type; or names, indices or a mask; or none.
        "Missing" is a category too, where training has it; one that training does not have is none of the known.
    max_one_hot : int, default 9
        Categories become one input for each, or, of a column that has more of them than this, a learned vector (`nncore.Embedding`).
    standardize : bool, default False
        Numbers get the mean 0 and the standard deviation 1, by what `fit` sees. Perceptrons want that: without it, or a scaler in a
        pipeline, columns of large numbers drown the others.
    standardize_target : bool, default False
        Train on targets of mean 0 and standard deviation 1 (for ``"poisson"``: of mean 1), by what `fit` sees. Predictions and `score` are
        in the unit of y; losses, `loss_curve_` and the loss's own numbers (``delta`` of Huber's) are in the unit of the scaled targets.
        Use it for targets far from 1, such as prices, which a network reaches very slowly.
    groups : dict of str to dict, optional
        Tensors of ``network_`` that are trained in another way, by patterns of their names, as in `nncore.Sequential.fit`:
        ``{"dense_1.*": {"frozen": True}, "*.bias": {"lr_factor": 0.1}}``. Not by L-BFGS.
    sampler : str, Sampler or dict, optional
        Which samples an epoch visits: ``"balanced"`` for rare classes. None goes by `shuffle`. Not by L-BFGS.
    transforms : sequence of str, Transform or dict, optional
        What changes each batch while training, in this order: ``[nn.GaussianNoise(std=0.1), "mixup"]``. They see the inputs of
        ``network_``, which are the columns of X after `standardize` and with one input for each category. Not by L-BFGS.
    memory_limit : int or str, optional
        What blocks of samples, buffers and files that are being read may take where X goes by in blocks: bytes, or ``"2 GB"``. None is
        512 MiB. If it is given, X in memory goes by in blocks as well, of which nothing is copied whole.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Live weights ``(n_in, n_out)`` and biases ``(n_out,)`` of the layers: what is written there, or assigned, changes the network. They
        exist, like `n_layers_` and `out_activation_`, where they and `activation` are all that predictions come from.
    network_ : nncore.Sequential
        The network itself: to save, to draw, to export, to train on.
    loss_ : float
        Mean training loss of the last epoch, with its penalty. The squared error of several targets is their mean, as in scikit-learn;
        what is minimised, and stands in `history_`, is their sum.
    best_loss_ : float or None
        The lowest of the last call of `fit`, and of calls of `partial_fit` after it; None with `early_stopping`.
    loss_curve_ : list of float
        Loss of every epoch, or iteration of L-BFGS.
    validation_scores_, best_validation_score_ : list of float and float, or None
        If there is validation data. The network of the best score is the one that is kept. A warm start rates the network that it goes
        on with first; if that has not the best score so far, since something else judges now, the list begins anew.
    validation_loss_curve_ : list of float
        Validation loss of every epoch, without penalty.
    history_ : nncore.History
        All columns of the fit, of calls that went on with it too; ``history_.plot()``.
    n_iter_ : int
        Epochs, or iterations, of the last call.
    t_ : int
        Samples seen.
    n_layers_, n_outputs_ : int
        Dense layers and the input; units of the output layer.
    out_activation_ : str
        What makes predictions of the outputs: ``"identity"``, ``"exp"`` for Poisson.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    What scikit-learn's MLPRegressor takes is taken, and means the same. For the same `random_state`, the first values (with
    scikit-learn's four activations) and the split for validation are its own; so is the whole fit by ``"sgd"`` and ``"lbfgs"``, but for
    rounding, where the order of the samples does not matter. Differences:

    - L-BFGS for several targets minimises the sum of their squared errors; scikit-learn gives it their mean with the gradient of the sum.
    - Adam's ε is that of the paper, which tells only for gradients about as small.
    - The last batch of an epoch, if it is smaller, has the penalty of the others.
    - With validation data the best network is kept even without `early_stopping`.
    - A fit whose numbers overflow ends at once, with an error if no validation data says which network to keep.

    X may be a frame of pandas, polars or another library that narwhals knows. Where a column of numbers has NaN in training, the network
    has a `nncore.FillMissing`: it learns a value for NaN, and sees that it was there. NaN in other columns, met later, becomes their mean.
    Dates in frames become their parts (``"date_parts"``), standardised. What the columns are, their categories, means and deviations are
    those of all samples given to `fit` (of the first ones given to `partial_fit`), without those of `X_val`. ``network_`` takes the matrix
    that is made of X.

    Where X goes by in blocks, columns are those of a frame of the same table. They are learned by going through it first: once for
    categories, once for numbers, twice with `standardize`. Samples are mixed in a buffer and by pieces (row groups, files), as in
    `nncore.Sequential.fit`. `early_stopping` holds out samples by a hash of their number. With ``shuffle=False`` and without
    `early_stopping`, weights (other than by classes) and initializers that look at data, the network has the bits of a fit in memory; with
    weights it may differ in its last digits. `predict` and `score` take the same sources, in which columns are found by name.

    Sparse X stays sparse: time and memory go by the numbers that are in it, not by its shape. It is made dense, batch by batch if it is
    large, where something reads every number: ``standardize=True``, `transforms`, or `layers` that begin with another layer than `Dense`.

    Examples
    --------
    >>> import numpy as np
    >>> from nncore.estimators import MLPRegressor
    >>> X = np.linspace(-3, 3, 300)[:, None]
    >>> y = np.sin(X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=300)
    >>> model = MLPRegressor({"name": "quantile", "quantiles": (0.1, 0.9)}, (30,), "tanh", learning_rate_init=0.02, random_state=0)
    >>> low, high = model.fit(X, y).predict(X).T
    >>> bool(0.6 < np.mean((low < y) & (y < high)) < 0.95)
    True
    """

    loss: RealLossLike
    _targets: RealTargets

    def __init__(
        self,
        loss: RealLossLike = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: ActivationsLike = "relu",
        *,
        solver: SolverLike = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: RateLike = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        layers: Sequence[LayerLike] | None = None,
        dropout: Any = 0.0,
        normalization: LayerLike | None = None,
        scoring: ScoringLike | None = None,
        callbacks: Sequence[CallbackLike] | None = None,
        clip_norm: float | None = None,
        time_limit: float | None = None,
        n_threads: int | None = None,
        progress: bool = False,
        dtype: str = "input",
        precision: str | None = None,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 9,
        standardize: bool = False,
        standardize_target: bool = False,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        sampler: SamplerLike | None = None,
        transforms: Sequence[TransformLike] | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self._keep_arguments(locals())

    # ---- the target ---------------------------------------------------------------------------------------------------------

    def _learn_target(self, y: Any, *, incremental: bool, classes: Any) -> None:
        self._targets = RealTargets(y)

    def _out_activation(self) -> str | None:
        return self._targets.out_activation(self._fitted_loss)

    def _more_than_words(self) -> str:
        return "targets are standardised" if self._targets.scale is not None else super()._more_than_words()

    def _scale_target(self, given: Given, passes: Callable[[], Iterable[tuple[Any, Any]]], loss: Loss) -> None:
        if given.standardize_target:
            self._targets.standardize(passes, loss)

    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        return self._targets.encode(y)

    def _shown_loss(self, loss: float, network: Sequential) -> float:
        if self._targets.n_targets == 1 or not (isinstance(spec := self._made_of["loss"], str) and spec == "squared_error"):
            return loss
        # scikit-learn minimises the sum over the targets and shows, and stops by, their mean.
        penalty = network.weight_decay / 2 * sum(float((weight**2).sum(dtype=np.float64)) for weight in dense_parameters(network)[0])
        return (loss - penalty) / self._targets.n_targets + penalty

    def _gain(self, X: NDArray[np.floating], target: np.ndarray) -> float | None:
        judge = self._fitted_loss.judge
        if judge is None:
            return None
        metric = resolve("metrics", judge)
        return self.network_.evaluate(X, target, metrics=[metric])[metric_name(metric)]

    def _default_scoring(self, loss: Loss) -> Any:
        return loss.judge or LOSS

    def _metric_of_score(self, loss: Loss) -> Any:
        return loss.judge

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> Self:
        """Train on samples and their targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), path, dataset or batches
            A sparse matrix is read as it is. What need not fit in memory goes by in blocks, again and again: the
            path of a Parquet, Feather, CSV or NumPy file, of a folder, or a pattern of names; a dataset of Arrow; or what gives batches
            ``(X, y)`` or ``(X, y, sample_weight)`` anew each time: a loader, a function that returns an iterator.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets. Of files and datasets, the name of a column, or a list of them; None for batches.
        sample_weight : array-like of shape (n_samples,) or str, optional
            How much each sample counts; of files and datasets, the name of a column.
        X_val, y_val, sample_weight_val : array-like, optional
            Validation data: scored after every epoch, and the network of the best epoch is kept. With `early_stopping` they also decide
            when to stop.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            For an argument of the constructor outside its range.
        DataError
            If the training ran into numbers that are not finite.

        Warns
        -----
        ConvergenceWarning
            scikit-learn's, if `max_iter` was reached first.
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))

    @available_if(lambda estimator: not estimator._is_lbfgs)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight : array-like
            As in `fit`; a schedule of the registry as `learning_rate` stays at its first value.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)
