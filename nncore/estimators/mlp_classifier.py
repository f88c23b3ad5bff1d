"""A multi-layer perceptron that classifies."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.errors import DataError, ParameterError
from nncore.estimators.available import available_if
from nncore.estimators.class_answers import ClassAnswers
from nncore.estimators.class_targets import HEADS, LOG_LOSS, MULTILABEL, ClassTargets
from nncore.estimators.fit_tasks import with_callbacks
from nncore.estimators.held_out import LOSS
from nncore.estimators.mlp import MultilayerPerceptron
from nncore.network import metric_name
from nncore.registry import resolve
from nncore.typing import (
    ActivationsLike,
    CallbackLike,
    ClassLossLike,
    LayerLike,
    RateLike,
    SamplerLike,
    ScoringLike,
    SolverLike,
    TransformLike,
)
from nncore.words import explains_calls


@explains_calls
class MLPClassifier(ClassAnswers, MultilayerPerceptron):
    """A multi-layer perceptron classifier: a drop-in for scikit-learn's, with a compiled core and more options.

    Also takes any loss, optimizer, schedule and layer of the registry, data frames, and files that do not fit in memory.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Number of units of each hidden layer.
    activation : str, Activation, dict or list, default "relu"
        Activation of the hidden layers: ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"`` or any activation of the registry. A list
        has one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs"}, str, Optimizer or dict, default "adam"
        The optimizer. ``"sgd"`` is scikit-learn's; `momentum` and `nesterovs_momentum` choose its kind of momentum. ``"lbfgs"`` is L-BFGS
        with SciPy's steps, on all samples at once and in float64; it suits small data. Any other optimizer of the registry is given by
        name, as a dict or as an instance. A name, and a dict without ``"lr"``, have `learning_rate_init` as their learning rate; an
        instance has its own hyperparameters. `set_params` and searches change them: ``solver__weight_decay=0.1``.
    alpha : float, default 0.0001
        Strength of the L2 penalty ½·alpha·ΣW² / n on the weights of all dense layers, where n is the number of samples of the batch.
    batch_size : int or "auto", default "auto"
        Number of samples of a batch. ``"auto"`` is 200, or all samples if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, str, Schedule or dict, default "constant"
        How the learning rate changes during training. ``"invscaling"`` is learning_rate_init / (samples seen + 1)^power_t. ``"adaptive"``
        divides the rate by 5 where training would otherwise stop, until it is 1e-6. ``solver="adam"`` ignores these two, as in
        scikit-learn. Any schedule of the registry runs over `max_iter` epochs. A dict schedules other hyperparameters too, by their paths,
        as in `nncore.Sequential.fit`: ``{"lr": "cosine", "dropout_1.rate": "flat_cosine"}``.
    learning_rate_init : float, default 0.001
        The learning rate; with a schedule, its first value.
    power_t : float, default 0.5
        Exponent of ``learning_rate="invscaling"``.
    max_iter : int, default 200
        Maximum number of epochs, or of iterations of L-BFGS.
    loss : str, Loss, dict or function, default "log_loss"
        ``"log_loss"`` is the cross-entropy that fits the classes of y: binary, multiclass or multilabel. Any loss of the registry works, or
        ``function(output, target)``, which returns the loss of each sample and its gradient. Its target has a column of 0 and 1 for each
        class. The output layer gets the activation that the loss needs: a softmax for ``"cross_entropy"``.
    shuffle : bool, default True
        Visit the samples in a new order in every epoch.
    random_state : int, RandomState, Generator or None, default None
        Seed of the initial weights, the validation split, the order of samples and dropout. The same int gives the same bits, whatever
        `n_threads` is.
    tol : float, default 1e-4
        An epoch counts as an improvement if its loss or score is better than the best one by this much. L-BFGS has converged when no entry
        of the gradient is larger than this.
    verbose : bool or int, default False
        Print the loss after every epoch.
    warm_start : bool, default False
        Continue from the weights of the previous `fit` instead of starting over.
    momentum : float, default 0.9
        Momentum of ``solver="sgd"``: the part of the previous step that is added to the next one.
    nesterovs_momentum : bool, default True
        Use Nesterov's momentum with ``solver="sgd"``.
    early_stopping : bool, default False
        Stop by a validation score instead of the training loss. Without `X_val`, `validation_fraction` of the samples is held out for it,
        stratified if there are two classes.
    validation_fraction : float, default 0.1
        Fraction of the samples that `early_stopping` holds out.
    beta_1, beta_2, epsilon : float, default 0.9, 0.999, 1e-8
        Decay rates of the moment estimates, and the stabilising ε, of Adam and related optimizers.
    n_iter_no_change : int or inf, default 10
        Stop when more than this many epochs in a row brought no improvement of `tol`.
    max_fun : int, default 15000
        Maximum number of evaluations of the loss and its gradient by L-BFGS.
    layers : sequence of Layer, str or dict, optional
        Your own hidden layers, any of the registry. They replace what `hidden_layer_sizes`, `activation`, `dropout` and `normalization`
        describe.
    dropout : float or sequence of float, default 0.0
        Fraction of the units dropped after each hidden layer while training: one number, or one for each layer.
    normalization : {None, "batch_norm", "layer_norm"}, str or dict, default None
        A layer of the registry inserted between every hidden dense layer and its activation.
    class_weight : dict, "balanced", list of dict or None, default None
        Weights of the classes. They multiply the sample weights, in validation too. ``"balanced"`` gives all classes the same total weight.
        For several targets, a list of dicts.
    scoring : str, callable, Metric or None, default None
        The validation score, where higher is better: ``"loss"`` (its negative), a metric of the registry, the name of one of scikit-learn's
        scorers, or ``scorer(estimator, X, y)``. None is the accuracy for ``loss="log_loss"``, as in scikit-learn, and the negative loss for
        other losses.
    callbacks : sequence of str, Callback or dict, optional
        Callbacks that see every epoch, as in `nncore.Sequential.fit`. Each fit works with copies. Not available with L-BFGS.
    clip_norm : float, optional
        Maximum norm of the gradient; longer gradients are scaled down to it.
    time_limit : float, optional
        Stop training after this many seconds.
    n_threads : int, optional
        Number of threads. None is `nncore.get_num_threads`.
    progress : bool, default False
        Show a progress bar while training.
    dtype : {"input", "float32", "float64"}, default "input"
        Dtype of the network. ``"input"`` is float32 for X of float32 and float64 for anything else, as in scikit-learn. float32 is up to
        twice as fast.
    precision : {"float32", "bfloat16", "auto"}, optional
        ``"bfloat16"`` rounds the factors of the matrix products of training to bfloat16, as ``precision`` of `nncore.Sequential.fit` does.
        ``"auto"`` does so where a measurement finds it faster. With either, or ``"float32"``, ``dtype="input"`` means float32. Not
        available with ``solver="lbfgs"``.
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        Columns of X that hold categories. ``"from_dtype"`` takes the columns of a frame with text or a categorical type. An array has their
        names, their indices, or a mask. None treats all columns as numbers. If training has missing values in such a column, "missing" is a
        category of its own. Otherwise missing values are treated as an unknown category.
    max_one_hot : int, default 9
        A column of up to this many categories is one-hot encoded. One with more becomes a learned vector (`nncore.Embedding`).
    standardize : bool, default False
        Scale numeric columns to mean 0 and standard deviation 1, by the samples of `fit`. Set it, or put a scaler in a pipeline, unless the
        columns are scaled already: otherwise columns of large numbers dominate the others.
    groups : dict of str to dict, optional
        Options for some tensors of ``network_``, by patterns of their names, as in `nncore.Sequential.fit`:
        ``{"dense_1.*": {"frozen": True}, "*.bias": {"lr_factor": 0.1}}``. Not available with L-BFGS.
    sampler : str, Sampler or dict, optional
        Which samples an epoch visits: ``"balanced"`` helps with rare classes. None follows `shuffle`. Not available with L-BFGS.
    transforms : sequence of str, Transform or dict, optional
        Changes made to each training batch, in this order: ``[nn.GaussianNoise(std=0.1), "mixup"]``. They see the inputs of ``network_``:
        the columns of X after `standardize` and one-hot encoding. Not available with L-BFGS.
    memory_limit : int or str, optional
        Memory for the blocks of samples, buffers and open files while X is read in blocks: a number of bytes, or a text such as ``"2 GB"``.
        None is 512 MiB. If it is given, X in memory is read in blocks too, and never copied whole.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of them for several targets with classes of their own
        The class labels in sorted order.
    coefs_, intercepts_ : list of ndarray
        Weights ``(n_in, n_out)`` and biases ``(n_out,)`` of the dense layers. Writing to them, or assigning new arrays, changes the
        network. Like `n_layers_` and `out_activation_`, they exist only where predictions depend on nothing but them and `activation`.
    network_ : nncore.Sequential
        The trained network: save, draw, export or train it further.
    loss_ : float
        Mean training loss of the last epoch, including the penalty.
    best_loss_ : float or None
        Lowest training loss since the last call of `fit` began; later calls of `partial_fit` count too. None with `early_stopping`.
    loss_curve_ : list of float
        Training loss of every epoch, or of every iteration of L-BFGS.
    validation_scores_, best_validation_score_ : list of float and float, or None
        Validation scores of every epoch, and the best one; None without validation data. The weights of the epoch with the best score are
        restored at the end. A warm start scores the network it continues with first. If that score differs from the best one so far,
        because data or `scoring` changed, the list starts anew.
    validation_loss_curve_ : list of float
        Validation loss of every epoch, without penalty.
    history_ : nncore.History
        All recorded values of the fit, and of the calls that continued it; ``history_.plot()`` draws them.
    n_iter_ : int
        Number of epochs, or iterations, of the last call.
    t_ : int
        Number of samples seen in training.
    n_layers_, n_outputs_ : int
        Number of layers (dense layers plus the input), and number of units of the output layer.
    out_activation_ : str
        Activation of the output layer, by scikit-learn's name: ``"softmax"`` or ``"logistic"`` for log-loss.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    Notes
    -----
    All parameters of scikit-learn's MLPClassifier are accepted and mean the same. The same `random_state` gives scikit-learn's initial
    weights (with its four activations) and its validation split. Where the order of samples does not
    matter, fits by ``"sgd"`` and ``"lbfgs"`` equal scikit-learn's up to rounding. Differences:

    - Adam's ε is where the paper has it. This matters only for gradients about as small as ε.
    - A smaller last batch of an epoch has the same penalty as the other batches.
    - With validation data, the weights of the best epoch are restored even without `early_stopping`.
    - A fit whose numbers overflow stops at once. It raises an error unless validation data has found a best epoch.

    X may be a frame of pandas, polars or another library that narwhals supports. If a numeric column has NaN in training, the network gets
    a `nncore.FillMissing` layer: it learns a value for NaN and an indicator that it was there. In other columns, a NaN that appears later
    is replaced by the mean. Dates in frames become their parts (``"date_parts"``), standardised. Categories, means and deviations come from
    all samples given to `fit`, or to the first `partial_fit`, without those of `X_val`. ``network_`` takes the matrix made from X.

    If X is read in blocks, its columns are encoded as those of a frame with the same table. One pass over X before training learns them,
    and each epoch is one pass more. Samples are mixed in a buffer and by pieces (row groups, files), as in `nncore.Sequential.fit`.
    `early_stopping` holds out samples by a hash of their number. They stay in memory, in up to a quarter of `memory_limit`; of more
    samples, those of the smallest hashes are scored. A fit with ``shuffle=False`` gives the same bits as one in memory, unless it uses
    `early_stopping`, sample weights or an initializer that needs data. Sample weights may change the last digits. `predict` and
    `score` take the same sources, and find columns by name.

    Sparse X stays sparse: time and memory depend on its non-zero entries, not on its shape. It is made dense, batch by batch if it is
    large, where every number is read: with ``standardize=True``, with `transforms`, or with `layers` that do not begin with `Dense`.
    Read in blocks, from sparse batches or with `memory_limit`, it is never made dense: these raise an error.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from nncore.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((32,), solver="adamw", learning_rate_init=0.02, max_iter=300, random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.95)
    True
    """

    loss: ClassLossLike
    class_weight: Any
    _targets: ClassTargets

    def __init__(
        self,
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
        loss: ClassLossLike = LOG_LOSS,
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
        class_weight: Any = None,
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
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        sampler: SamplerLike | None = None,
        transforms: Sequence[TransformLike] | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self._keep_arguments(locals())

    # ---- the target ---------------------------------------------------------------------------------------------------------

    def _learn_target(self, y: Any, *, incremental: bool, classes: Any) -> None:
        if classes is not None:
            self._targets = ClassTargets.of_classes(classes, y)
            self._targets.check(y)
        else:
            self._targets = ClassTargets(y)
            if incremental and self._targets.kind != MULTILABEL:
                raise ParameterError("classes must be passed on the first call to partial_fit.")
        self.classes_ = self._targets.classes

    def _check_target(self, y: Any, *, is_warm_start: bool = False) -> None:
        if is_warm_start and not self._targets.has_exactly(classes := ClassTargets(y).classes):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously got "
                f"{self.classes_}, `y` has {classes}"
            )
        super()._check_target(y)

    def _out_activation(self) -> str | None:
        return self._targets.out_activation(self._fitted_loss)

    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        return self._targets.encode(y, loss)

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        return target if self.n_outputs_ == 1 else None

    def _gain(self, X: NDArray[np.floating], target: np.ndarray) -> float | None:
        if target.ndim > 1 or target.dtype.kind not in "iu":
            return None
        metric = resolve("metrics", self._targets.accuracy(self._fitted_loss))
        share = float(np.bincount(target).max()) / len(target)
        return self.network_.evaluate(X, target, metrics=[metric])[metric_name(metric)] - share

    def _default_scoring(self, loss: Loss) -> Any:
        spec = self._made_of["loss"]
        return self._targets.accuracy(loss) if isinstance(spec, str) and spec == LOG_LOSS else loss.judge or LOSS

    def _metric_of_score(self, loss: Loss) -> Any:
        metric = self._targets.accuracy(loss)
        if self._targets.kind == HEADS or callable(metric):
            raise ParameterError("score of several targets, or of a loss with its own decision rule, needs X and y in memory")
        return metric

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> Self:
        """Train on samples and their classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), path, dataset or batches
            Samples. A sparse matrix stays sparse. Data that need not fit in memory is read in blocks, several times. It is given as the
            path of a Parquet, Feather, CSV or NumPy file or of a folder, a pattern of file names, or an Arrow dataset. Batches ``(X, y)``
            or ``(X, y, sample_weight)`` come from what can be iterated anew for each epoch: a loader, or a function that returns an
            iterator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes. Several columns are either 0 and 1, for labels that may occur together (a sparse matrix too), or one classification
            target each. For files and datasets, the name of a column, or a list of names; for batches, None.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weight of each sample. For files and datasets, the name of a column.
        X_val, y_val, sample_weight_val : array-like, optional
            Validation data, scored after every epoch. The weights of the best epoch are restored at the end. With `early_stopping` they
            also decide when to stop.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            An argument of the constructor is outside its range.
        DataError
            Numbers became infinite or NaN during training.

        Warns
        -----
        ConvergenceWarning
            `max_iter` was reached before the fit converged. A filter for `sklearn.exceptions.ConvergenceWarning` applies too.
        """
        return self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))

    @available_if(lambda estimator: not estimator._is_lbfgs)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one more epoch, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight : array-like
            As in `fit`. If `learning_rate` is a schedule of the registry, the rate stays at its first value.
        classes : array-like of shape (n_classes,), optional
            All classes that will ever occur. Needed in the first call, unless y is multilabel. For several classification targets, a list
            of such arrays.

        Returns
        -------
        self
        """
        if self.class_weight is not None and not isinstance(self.class_weight, (dict, list)):
            raise ParameterError(
                f"class_weight={self.class_weight!r} needs all samples, and partial_fit gets only a part: compute the weights "
                "with sklearn.utils.class_weight.compute_class_weight and pass them as a dict"
            )
        if classes is not None and "_targets" in vars(self) and not self._targets.has_exactly(classes):
            raise DataError(f"`classes={classes}` is not the same as on last call to partial_fit, was: {self.classes_}")
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)
