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
    """An ensemble of multi-layer perceptrons for regression on tables, by recipes that need no tuning.

    Parameters
    ----------
    preset : {"td", "td-s", "fast"}, default "td"
        The recipe that says what the parameters below are where they are None. ``"td"`` and ``"td-s"`` are RealMLP-TD and its simpler
        variant TD-S: one network of three layers of 256 units for 256 epochs, on four fifths of the samples, at the epoch of the best
        error on the rest. ``"fast"`` averages eight small networks, one for each fold of a cross-validation, each at its
        epoch of the best validation loss; it takes a fraction of the time. For more than 5,000 samples it
        has five folds and half the epochs, for more than 12,000 four folds and fewer epochs still.
    n_cv : int, optional
        Folds of cross-validation: each is left out of the training of `n_ens` networks, and validates them. 1 holds out
        `validation_fraction` of the samples. With `X_val`, which validates all of them, there are ``n_cv * n_ens`` networks.
    n_ens : int, optional
        Networks for each fold, with other first values and orders of samples. They are kept at the same epoch, the best one of their
        average.
    n_refit : int, optional
        Networks that are trained in the end on all samples, for the mean of the best epochs, and predict in place of the others. 0
        keeps those of the folds.
    time_limit : float, optional
        Seconds after which the fit ends, with what is best by then. All networks share them.
    tune : int or "time", optional
        Trials to draw from `search_space`, and to choose an ensemble from; ``"time"`` for as many as `time_limit` has room for. The first
        is the preset with the parameters given here. Trials are trained together, fold by fold; where a 15th, 3/15 and 7/15 of their
        epochs are over, the better half goes on. Parameters that are given stay as they are in all trials.
    search_space : {"paper", "tabarena", "small"}, dict or list of dict, optional
        What is drawn: ``"paper"`` and ``"tabarena"`` are RealMLP's published spaces, ``"small"`` is one for small networks. None is
        ``"small"`` for the preset ``"fast"``, else ``"paper"``. A dict has a list of values, or a distribution with a method ``rvs`` such
        as those of ``scipy.stats``, by the name of a parameter, ``lr_factors__scale`` for a part of one; of several dicts, each trial
        draws one.
    trials_file : str or path-like, optional
        A file that holds all trials after each round. A fit with the same data and arguments goes on from it. Needs an int `random_state`.
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
        Factors of the learning rate of ``"bias"``, ``"scale"``, ``"numerical_embedding"``, ``"activation"`` and ``"embedding"``;
        and one more for weights and biases of the ``"first_layer"``.
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
        Epochs without a better validation score of its own after which the training of a network ends. The best epoch is kept.
    validation_fraction : float, optional
        Part of the samples that is held out with ``n_cv=1``.
    loss : str, Loss, dict or function, default "squared_error"
        As in `MLPRegressor`: ``"poisson"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}``. A length among its
        numbers, such as the δ of ``"huber"``, counts standard deviations of the targets.
    scoring : str, callable, Metric, dict or None, default None
        What the best epoch is chosen by. None and ``"loss"`` are the validation loss, so the RMSE for squared errors; or a metric of the
        registry, one of scikit-learn's scorers, or ``scorer(estimator, X, y)``. A scorer is asked after every epoch, which takes longer.
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
    precision : {"float32", "bfloat16", "auto"}, optional
        ``"bfloat16"`` makes the matrix products of training from factors rounded to bfloat16, as ``precision`` of `nncore.Sequential.fit`
        says; ``"auto"`` does so where it is measured to be faster.
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
    memory_limit : int or str, optional
        What blocks of samples, buffers and files that are being read may take where X goes by in blocks: bytes, or ``"2 GB"``. None is
        512 MiB. If it is given, X in memory goes by in blocks as well, of which nothing is copied whole.

    Attributes
    ----------
    networks_ : list of nncore.Sequential
        The networks that predict together. They take columns of X as the training rows of their fold scale them.
    histories_ : list of nncore.History
        Of their training.
    best_epochs_ : list of int
        Best epoch of each network that was validated.
    validation_scores_ : list of float
        The validation loss, metric or score there: of the network, or of the average of `n_ens`.
    n_iter_ : int
        Epochs of the longest training.
    best_params_, best_score_, best_index_
        With `tune`: parameters, score and number of the best trial, as in scikit-learn's searches: more is better.
    cv_results_ : dict of str to array
        With `tune`: all trials, column by column, as in scikit-learn's searches; ``"ensemble_weight"`` is how often each was chosen.
    trials_ : list of dict
        With `tune`: all trials, one by one: ``"params"``, ``"score"`` as in `validation_scores_`, ``"status"``, ``"weight"``, ...
    n_outputs_ : int
        Units of the output layer.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    All that is learned of columns, targets and first values, each network learns from its own training rows. What is a category, and which
    columns have missing numbers, is that of all samples given to `fit`. Where a column has NaN in training, the networks have a
    `nncore.FillMissing`; NaN in other columns, met later, becomes their mean. Dates in frames become their parts (``"date_parts"``),
    standardised. Sparse X is made dense; `MLPRegressor` reads it as it is. Samples of weight 0 are left out.

    Networks see targets of mean 0 and standard deviation 1; for ``loss="poisson"``, of mean 1. Quantiles of the networks are averaged; with
    ``loss="gaussian_nll"`` the prediction is the mean of the mixture of their distributions, and its deviation that of the mixture.

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
