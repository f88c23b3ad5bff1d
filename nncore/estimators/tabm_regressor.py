"""TabM for real targets."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nncore.estimators.ensemble_reals import RealEnsemble
from nncore.estimators.tabm import TabM
from nncore.typing import ActivationsLike, CallbackLike, RateLike, RealLossLike, ScoringLike, SolverLike
from nncore.words import explains_calls


@explains_calls
class TabMRegressor(RealEnsemble, TabM):
    """A network of 32 members that share weights, for regression on tables by the mean of their predictions.

    Parameters
    ----------
    arch : {"tabm", "tabm-mini"}, optional
        What members have of their own. ``"tabm"``, the default: factors of the inputs and outputs of each layer, and biases.
        ``"tabm-mini"``: factors of the inputs of the first layer. Both have an output layer for each member.
    n_members : int, optional
        Members of a network; 32.
    n_cv : int, optional
        Folds of cross-validation: each is left out of the training of `n_ens` networks, and validates them. 1, the default, holds out
        `validation_fraction` of the samples. With `X_val`, which validates all of them, there are ``n_cv * n_ens`` networks.
    n_ens : int, optional
        Networks for each fold, with other first values and orders of samples; 1. They are kept at the same epoch, the best one of
        their average.
    n_refit : int, optional
        Networks that are trained in the end on all samples, for the mean of the best epochs, and predict in place of the others. 0, the
        default, keeps those of the folds.
    time_limit : float, optional
        Seconds after which the fit ends, with what is best by then. All networks share them.
    tune : int or "time", optional
        Trials to draw from `search_space`, and to choose an ensemble from; ``"time"`` for as many as `time_limit` has room for. The first
        has the parameters given here and the defaults. Trials are trained together; after 8, 24 and 56 epochs, the better half goes on.
        Parameters that are given stay as they are in all trials.
    search_space : {"paper", "tabarena"}, dict or list of dict, optional
        What is drawn: a published space of TabM-mini, by default ``"paper"``; or a list of values, or a distribution with a method
        ``rvs``, by the name of a parameter, ``numerical_embedding__n_bins`` for a part of one; of several dicts, each trial draws one.
    trials_file : str or path-like, optional
        A file that holds all trials after each round. A fit with the same data and arguments goes on from it. Needs an int `random_state`.
    hidden_layer_sizes : int or sequence of int, optional
        Units of each hidden layer; three of 512, or two with a `numerical_embedding`.
    activation : str, Activation, dict or list, optional
        Of the hidden layers; a list has one for each. ``"relu"``.
    numerical_embedding : bool or dict, optional
        Columns of numbers become learned piecewise linear functions of them (`nncore.PiecewiseLinearEmbedding`). True is
        ``{"n_bins": 48, "n_outputs": 16}``: bins between quantiles of the training rows, at most so many, and the width of a vector.
        False is the default.
    dropout : float or sequence of float, optional
        Part of the units that is dropped after each hidden layer while training; 0.1.
    solver : str, Optimizer or dict, optional
        An optimizer of the registry: by name, with `learning_rate_init` and `weight_decay`, or with numbers of its own. ``"adamw"``.
    learning_rate_init : float, optional
        The learning rate, or the one that `learning_rate` begins with; 0.002.
    learning_rate : str, Schedule or dict, optional
        ``"constant"``, the default, or a schedule of the registry, over `max_iter` epochs.
    weight_decay : float, optional
        Decoupled weight decay of all but biases, for solvers that have one; 0.
    clip_norm : float, optional
        Gradients of a larger norm are scaled to this one. None is no limit.
    batch_size : int or "auto", optional
        Samples of a batch, the same for all members; 256. ``"auto"`` is 32 for fewer than 2,800 samples, 64 for fewer than 4,500, 128 for
        fewer than 6,400, 256 for fewer than 32,000, 512 for fewer than 108,000, else 1,024.
    drop_last : bool, optional
        Leave out the last batch of an epoch if it is smaller; False.
    max_iter : int, optional
        Epochs at most; 10,000.
    n_iter_no_change : int or inf, optional
        Epochs without a better validation score of its own after which the training of a network ends; 16. The best epoch is kept.
    validation_fraction : float, optional
        Part of the samples that is held out with ``n_cv=1``; 0.2.
    loss : str, Loss, dict or function, default "squared_error"
        As in `MLPRegressor`: ``"poisson"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}``. A length among its
        numbers, such as the δ of ``"huber"``, counts standard deviations of the targets. Each member is trained by its own loss.
    scoring : str, callable, Metric, dict or None, default None
        What the best epoch is chosen by. None and ``"loss"`` are the validation loss of the members' mean, so the RMSE for squared errors;
        or a metric of the registry, one of scikit-learn's scorers, or ``scorer(estimator, X, y)``.
    callbacks : sequence of str, Callback or dict, optional
        Told of progress and epochs, as in `nncore.Sequential.fit`. Each network is given copies.
    random_state : int, RandomState, Generator or None, default None
        Decides folds, first values, order and dropout. The same int gives the same bits, whatever `n_threads` is, unless `time_limit`
        ends the fit.
    n_threads : int, optional
        Threads that networks are trained by, all of them for a single network; None is `nncore.get_num_threads`.
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
        Columns of fewer categories than this become one-hot, missing and unknown ones 0 in all inputs: as good as all, by default. Others
        become a learned vector (`nncore.Embedding`).
    embedding_size : int, optional
        Width of these vectors; 8.
    n_quantiles : int, optional
        Numbers are made to follow a normal distribution by at most so many quantiles; 1,000 (`nncore.encodings`: ``quantile_normal``).
    quantile_noise : float, optional
        Size of the noise that is added to numbers while these quantiles are found; 0.001.
    clip_target : bool, optional
        Predictions stay within the range of the training targets; False.
    memory_limit : int or str, optional
        What blocks of samples, buffers and files that are being read may take where X goes by in blocks: bytes, or ``"2 GB"``. None is
        512 MiB. If it is given, X in memory goes by in blocks as well, of which nothing is copied whole.

    Attributes
    ----------
    networks_ : list of nncore.Sequential
        The networks that predict together. They take columns of X as the training rows of their fold encode them, and end with
        `nncore.MeanMembers`.
    histories_ : list of nncore.History
        Of their training.
    best_epochs_ : list of int
        Best epoch of each network that was validated.
    validation_scores_ : list of float
        The validation loss, metric or score there: of the network, or of the average of `n_ens`.
    member_orders_ : list of ndarray of shape (n_members,)
        Members of each network that was validated, in the order in which `prune` takes them.
    member_losses_ : list of ndarray of shape (n_members,)
        Validation loss of the mean of the first 1, 2, … of them, on at most about 65,536 predictions.
    n_iter_ : int
        Epochs of the longest training.
    best_params_, best_score_, best_index_
        With `tune`: parameters, score and number of the best trial, as in scikit-learn's searches: more is better.
    cv_results_ : dict of str to array
        With `tune`: all trials, column by column, as in scikit-learn's searches; ``"ensemble_weight"`` is how often each was chosen.
    trials_ : list of dict
        With `tune`: all trials, one by one: ``"params"``, ``"score"`` as in `validation_scores_`, ``"status"``, ``"weight"``, ...
    n_outputs_ : int
        Units of the output layer of a member.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    A member computes yⱼ = φ(((xⱼ ⊙ rⱼ)·W) ⊙ sⱼ + bⱼ) in each layer, with one W for all (`nncore.MembersDense`). The mean over members is
    that of predictions: of places, quantiles, rates; of means and log-variances with
    ``loss="gaussian_nll"``. The defaults are those of pytabkit's TabM-D, with the same batches for all members.
    TabArena's settings are ``numerical_embedding=True, weight_decay=3e-4, clip_norm=1.0, batch_size="auto"``.

    What quantiles and targets are, each network learns from its own training rows. What is a category, and which columns have missing
    numbers, is that of all samples given to `fit`. Where a column has NaN in training, the networks have a `nncore.FillMissing`; NaN in
    other columns, met later, becomes their mean. Dates in frames become their parts (``"date_parts"``), standardised. A column that is
    constant in training is left out. Sparse X is made dense; `MLPRegressor` reads it as it is. Samples of weight 0 are left out.

    Networks see targets of mean 0 and standard deviation 1; for ``loss="poisson"``, of mean 1. Several networks with
    ``loss="gaussian_nll"`` predict the mean of the mixture of their distributions, and its deviation.

    References
    ----------
    Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from nncore.estimators import TabMRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TabMRegressor(n_members=8, hidden_layer_sizes=(64, 64), batch_size="auto", random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    loss: RealLossLike
    clip_target: bool | None

    def __init__(
        self,
        arch: str | None = None,
        *,
        n_members: int | None = None,
        n_cv: int | None = None,
        n_ens: int | None = None,
        n_refit: int | None = None,
        time_limit: float | None = None,
        tune: int | str | None = None,
        search_space: Any = None,
        trials_file: Any = None,
        hidden_layer_sizes: Any = None,
        activation: ActivationsLike | None = None,
        numerical_embedding: Any = None,
        dropout: Any = None,
        solver: SolverLike | None = None,
        learning_rate_init: float | None = None,
        learning_rate: RateLike | None = None,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
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
        n_quantiles: int | None = None,
        quantile_noise: float | None = None,
        clip_target: bool | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self._keep_arguments(locals())
