"""RealMLP for real targets."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nncore.ensembles import RealMLPRecipe, recipe
from nncore.estimators.ensemble_reals import RealEnsemble
from nncore.estimators.given import Given
from nncore.estimators.real_mlp import RealMLP
from nncore.typing import ActivationsLike, CallbackLike, RateLike, RealLossLike, ScheduleLike, ScoringLike, SolverLike
from nncore.words import explains_calls


@explains_calls
class RealMLPRegressor(RealEnsemble, RealMLP):
    """RealMLP: an ensemble of multi-layer perceptrons for tabular regression, with strong defaults that need no tuning.

    Parameters
    ----------
    preset : {"td", "td-s", "fast"}, default "td"
        Recipe with the values of all parameters below that are None. ``"td"`` is RealMLP-TD and ``"td-s"`` its simpler variant TD-S: one
        network of three layers of 256 units, trained for 256 epochs on four fifths of the samples. Its weights are those of the epoch with
        the best error on the rest. ``"fast"`` takes a fraction of the time: it averages eight small networks, one for each fold of a
        cross-validation, each at the epoch of its best validation loss. With more than 5,000 samples, it uses five folds and half the
        epochs; with more than 12,000, four folds and fewer epochs still.
    n_cv : int, optional
        Number of cross-validation folds. Each fold validates `n_ens` networks that are trained on the others. 1 holds out
        `validation_fraction` of the samples instead. With `X_val`, which validates all networks, there are ``n_cv * n_ens`` of them.
    n_ens : int, optional
        Number of networks for each fold, which differ in initial weights and order of samples. They share one best epoch: the one at which
        their average is best.
    n_refit : int, optional
        Number of networks retrained on all samples after the cross-validation, for the mean of the best epochs. They predict instead of
        those of the folds. 0 uses the networks of the folds.
    time_limit : float, optional
        Stop the fit after this many seconds, for all networks together. The weights of the best epochs so far are used.
    tune : int or "time", optional
        Number of hyperparameter trials to draw from `search_space`; an ensemble is chosen from them. ``"time"`` draws as many as
        `time_limit` has room for. The first trial is the preset with the parameters given here. Trials are trained together, fold by fold
        (successive halving): after 1/15, 3/15 and 7/15 of their epochs, only the better half continues. Parameters that you set are the
        same in all trials.
    search_space : {"paper", "tabarena", "small"}, dict or list of dict, optional
        What `tune` draws from. ``"paper"`` and ``"tabarena"`` are RealMLP's published spaces, ``"small"`` is one for small networks. None
        is ``"small"`` for the preset ``"fast"``, else ``"paper"``. A dict maps names of parameters to a list of values, or to a
        distribution with a method ``rvs``, such as those of ``scipy.stats``. ``lr_factors__scale`` names a part of a parameter. From a list
        of dicts, each trial draws one.
    trials_file : str or path-like, optional
        File that holds all trials after each round. A fit with the same data and arguments continues from it. Needs an int `random_state`.
    hidden_layer_sizes : int or sequence of int, optional
        Number of units of each hidden layer.
    activation : str, Activation, dict or list, optional
        Activation of the hidden layers. A list has one for each hidden layer.
    parametric_activation : bool, optional
        Each hidden unit learns how strongly its activation is applied (`nncore.ParametricActivation`).
    front_scale : bool, optional
        Multiply each input by a learned factor (`nncore.Scale`).
    numerical_embedding : bool or dict, optional
        Add learned periodic functions of the numeric columns to the inputs. A dict has arguments of `nncore.PeriodicEmbedding`. With sparse
        X, None means False, whatever the preset says, and True is an error.
    initializer : {"default", "standard_normal", "data_hull"}, optional
        Initial weights. ``"default"`` is each layer's own default for its activation. ``"standard_normal"`` draws weights and biases from
        N(0, 1), for the neural tangent parametrisation, and starts the output layer at 0. ``"data_hull"`` is `nncore.DataHull`. With the
        latter two, the vectors of categories are drawn from N(0, 1).
    ntk : bool, optional
        Train in the neural tangent parametrisation x·W/√d: the learning rate of the weights of a layer with d inputs is divided by √d.
    lr_factors : dict of str to float, optional
        Factors of the learning rate of ``"bias"``, ``"scale"``, ``"numerical_embedding"``, ``"activation"`` and ``"embedding"``. The factor
        ``"first_layer"`` applies to the weights and biases of the first layer, in addition.
    dropout : float or sequence of float, optional
        Fraction of the units dropped after each hidden layer while training.
    dropout_schedule : str, Schedule or dict, optional
        Schedule of the dropout rate over `max_iter` epochs.
    solver : str, Optimizer or dict, optional
        An optimizer of the registry: by name, with `learning_rate_init` and `weight_decay`, or as an instance or dict with its own
        hyperparameters.
    learning_rate_init : float, optional
        The learning rate; with a schedule, its first value.
    learning_rate : str, Schedule or dict, optional
        ``"constant"``, or a schedule of the registry over `max_iter` epochs.
    weight_decay : float, optional
        Decoupled weight decay, for optimizers that have one, such as ``"adamw"``. It is multiplied by a tensor's factor in `lr_factors`.
        Biases that have such a factor are not decayed.
    weight_decay_schedule : str, Schedule or dict, optional
        Schedule of the weight decay over `max_iter` epochs, in addition to that of the learning rate.
    batch_size : int or "auto", optional
        Number of samples of a batch. ``"auto"`` is 64 for up to 1,024 samples, 128 up to 8,192, 256 up to 30,000, 512 up to 100,000, else
        1,024.
    drop_last : bool, optional
        Skip the last batch of an epoch if it is smaller than the others.
    max_iter : int, optional
        Maximum number of epochs.
    n_iter_no_change : int or inf, optional
        Stop training a network when its validation score has not improved for this many epochs. The weights of the best epoch are restored.
    validation_fraction : float, optional
        Fraction of the samples held out with ``n_cv=1``.
    loss : str, Loss, dict or function, default "squared_error"
        A loss as in `MLPRegressor`: ``"poisson"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}``.
        Hyperparameters that are lengths, such as the δ of ``"huber"``, are in standard deviations of the targets.
        Rates of ``"poisson"`` and ``"tweedie"`` add up to the targets of the training samples.
    scoring : str, callable, Metric, dict or None, default None
        Score that chooses the best epoch. None and ``"loss"`` are the validation loss: the RMSE for squared errors. Others are a metric of
        the registry, one of scikit-learn's scorers, or ``scorer(estimator, X, y)``. A scorer runs in Python after every epoch, which takes
        longer.
    callbacks : sequence of str, Callback or dict, optional
        Callbacks that see every epoch, as in `nncore.Sequential.fit`. Each network gets copies.
    random_state : int, RandomState, Generator or None, default None
        Seed of the folds, initial weights, order of samples and dropout. The same int gives the same bits, whatever `n_threads` is, unless
        `time_limit` ends the fit.
    n_threads : int, optional
        Number of threads, each of which trains one network. None is `nncore.get_num_threads`.
    progress : bool, default False
        Show a progress bar while training.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the networks.
    precision : {"float32", "bfloat16", "auto"}, optional
        ``"bfloat16"`` rounds the factors of the matrix products of training to bfloat16, as ``precision`` of `nncore.Sequential.fit` does.
        ``"auto"`` does so where a measurement finds it faster.
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        Columns of X that hold categories. ``"from_dtype"`` takes the columns of a frame with text or a categorical type. An array has their
        names, their indices, or a mask. None treats all columns as numbers.
    max_one_hot : int, optional
        Columns with fewer categories than this are one-hot encoded. Missing and unknown categories are 0 in all inputs. A column of two
        categories is a single input of 1 and −1. Columns with more categories become a learned vector (`nncore.Embedding`).
    embedding_size : int, optional
        Length of these vectors.
    smooth_clip : float, optional
        Numbers are scaled to z = (x − median) / (q75 − q25), then limited smoothly to z / √(1 + (z / smooth_clip)²). inf leaves z
        unlimited.
    clip_target : bool, optional
        Limit predictions to the range of the training targets.
    memory_limit : int or str, optional
        Memory for the blocks of samples, buffers and open files while X is read in blocks: a number of bytes, or a text such as ``"2 GB"``.
        None is 512 MiB. If it is given, X in memory is read in blocks too, and never copied whole.

    Attributes
    ----------
    networks_ : list of nncore.Sequential
        The networks whose predictions are averaged. Each takes the columns of X as scaled by the training rows of its fold.
    histories_ : list of nncore.History
        Training history of each network.
    best_epochs_ : list of int
        Best epoch of each validated network.
    validation_scores_ : list of float
        Validation loss, metric or score at that epoch: of the network, or of the average of `n_ens` networks.
    n_iter_ : int
        Number of epochs of the longest training.
    best_params_, best_score_, best_index_
        With `tune`: parameters, score and index of the best trial. Higher scores are better, as in scikit-learn's searches.
    cv_results_ : dict of str to array
        With `tune`: all trials as columns, as in scikit-learn's searches. ``"ensemble_weight"`` counts how often the ensemble has each
        trial.
    trials_ : list of dict
        With `tune`: all trials as dicts with ``"params"``, ``"score"`` as in `validation_scores_`, ``"status"``, ``"weight"``, ...
    n_outputs_ : int
        Number of units of the output layer.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    Notes
    -----
    Each network learns the scaling of columns and targets and its initial weights from its own training rows. Which categories exist, and
    which columns have missing numbers, is decided by all samples given to `fit`. If a column has NaN in training, the networks get a
    `nncore.FillMissing` layer. In other columns, a NaN that appears later is replaced by the mean. Dates in frames become their parts
    (``"date_parts"``), standardised. Samples of weight 0 are left out.

    Sparse X stays sparse: time and memory depend on its non-zero entries. The networks have no embeddings of numbers, which would learn a
    vector for every zero. The result is that of the same X dense with ``numerical_embedding=False``, up to rounding and the random numbers
    of dropout.

    Networks are trained on targets of mean 0 and standard deviation 1; with ``loss="poisson"``, of mean 1. Predicted quantiles are
    averaged. With ``loss="gaussian_nll"``, the prediction and its standard deviation are those of the mixture of the networks'
    distributions.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", 2024.

    Breiman, "Bagging predictors", 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from nncore.estimators import RealMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RealMLPRegressor(preset="fast", max_iter=30, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    loss: RealLossLike
    clip_target: bool | None

    def __init__(
        self,
        preset: str = "td",
        *,
        n_cv: int | None = None,
        n_ens: int | None = None,
        n_refit: int | None = None,
        time_limit: float | None = None,
        tune: int | str | None = None,
        search_space: Any = None,
        trials_file: Any = None,
        hidden_layer_sizes: Any = None,
        activation: ActivationsLike | None = None,
        parametric_activation: bool | None = None,
        front_scale: bool | None = None,
        numerical_embedding: Any = None,
        initializer: str | None = None,
        ntk: bool | None = None,
        lr_factors: Mapping[str, float] | None = None,
        dropout: Any = None,
        dropout_schedule: ScheduleLike | None = None,
        solver: SolverLike | None = None,
        learning_rate_init: float | None = None,
        learning_rate: RateLike | None = None,
        weight_decay: float | None = None,
        weight_decay_schedule: ScheduleLike | None = None,
        batch_size: int | str | None = None,
        drop_last: bool | None = None,
        max_iter: int | None = None,
        n_iter_no_change: float | None = None,
        validation_fraction: float | None = None,
        loss: RealLossLike = "squared_error",
        scoring: ScoringLike | None = None,
        callbacks: Sequence[CallbackLike] | None = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = False,
        dtype: str = "float32",
        precision: str | None = None,
        categorical_features: Any = "from_dtype",
        max_one_hot: int | None = None,
        embedding_size: int | None = None,
        smooth_clip: float | None = None,
        clip_target: bool | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self._keep_arguments(locals())

    def _preset(self, given: Given) -> RealMLPRecipe:
        return recipe(given.preset, is_classifier=False)
