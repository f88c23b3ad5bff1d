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
    """TabM: one network of 32 members that share most weights, for tabular regression; their predictions are averaged.

    Parameters
    ----------
    arch : {"tabm", "tabm-mini"}, optional
        Which parameters each member has for itself. ``"tabm"``, the default: factors of the inputs and outputs of each layer, and biases.
        ``"tabm-mini"``: factors of the inputs of the first layer. Both have an output layer for each member.
    n_members : int, optional
        Number of members of a network. The default is 32.
    share_training_batches : bool, optional
        Whether all members of a network train on the same batches. False: each visits the samples in an order of its own. None is False,
        or True where members cannot have batches of their own: if X is sparse or read in blocks, or the loss compares samples of a batch.
    n_cv : int, optional
        Number of cross-validation folds. Each fold validates `n_ens` networks that are trained on the others. 1, the default, holds out
        `validation_fraction` of the samples instead. With `X_val`, which validates all networks, there are ``n_cv * n_ens`` of them.
    n_ens : int, optional
        Number of networks for each fold, which differ in initial weights and order of samples. They share one best epoch: the one at which
        their average is best. The default is 1.
    n_refit : int, optional
        Number of networks retrained on all samples after the cross-validation, for the mean of the best epochs. They predict instead of
        those of the folds. 0, the default, uses the networks of the folds.
    time_limit : float, optional
        Stop the fit after this many seconds, for all networks together. The weights of the best epochs so far are used.
    tune : int or "time", optional
        Number of hyperparameter trials to draw from `search_space`; an ensemble is chosen from them. ``"time"`` draws as many as
        `time_limit` has room for. The first trial has the parameters given here and the defaults. Trials are trained together (successive
        halving): after 8, 24 and 56 epochs, only the better half continues. Parameters that you set are the same in all trials.
    search_space : {"paper", "tabarena"}, dict or list of dict, optional
        What `tune` draws from: a published space of TabM-mini, ``"paper"`` by default. A dict maps names of parameters to a list of values,
        or to a distribution with a method ``rvs``. ``numerical_embedding__n_bins`` names a part of a parameter. From a list of dicts, each
        trial draws one.
    trials_file : str or path-like, optional
        File that holds all trials after each round. A fit with the same data and arguments continues from it. Needs an int `random_state`.
    hidden_layer_sizes : int or sequence of int, optional
        Number of units of each hidden layer. None is three layers of 512 units, or two with a `numerical_embedding`.
    activation : str, Activation, dict or list, optional
        Activation of the hidden layers. A list has one for each hidden layer. None is ``"relu"``.
    numerical_embedding : bool or dict, optional
        Replace numeric columns by learned piecewise linear functions of them (`nncore.PiecewiseLinearEmbedding`). True is
        ``{"n_bins": 48, "n_outputs": 16}``: at most 48 bins between quantiles of the training rows, and vectors of length 16. The default
        is False. True is an error with sparse X.
    dropout : float or sequence of float, optional
        Fraction of the units dropped after each hidden layer while training. The default is 0.1.
    solver : str, Optimizer or dict, optional
        An optimizer of the registry: by name, with `learning_rate_init` and `weight_decay`, or as an instance or dict with its own
        hyperparameters. The default is ``"adamw"``.
    learning_rate_init : float, optional
        The learning rate; with a schedule, its first value. The default is 0.002.
    learning_rate : str, Schedule or dict, optional
        ``"constant"``, the default, or a schedule of the registry over `max_iter` epochs.
    weight_decay : float, optional
        Decoupled weight decay of all tensors but biases, for optimizers that have one. The default is 0.
    clip_norm : float, optional
        Maximum norm of the gradient; longer gradients are scaled down to it. None is no limit.
    batch_size : int or "auto", optional
        Number of samples of a batch of each member. The default is 256. ``"auto"`` is 32 for fewer than 2,800 samples, 64 for
        fewer than 4,500, 128 for fewer than 6,400, 256 for fewer than 32,000, 512 for fewer than 108,000, else 1,024.
    drop_last : bool, optional
        Skip the last batch of an epoch if it is smaller than the others. The default is False.
    max_iter : int, optional
        Maximum number of epochs. The default is 10,000.
    n_iter_no_change : int or inf, optional
        Stop training a network when its validation score has not improved for this many epochs. The weights of the best epoch are restored.
        The default is 17.
    validation_fraction : float, optional
        Fraction of the samples held out with ``n_cv=1``. The default is 0.2.
    loss : str, Loss, dict or function, default "squared_error"
        A loss as in `MLPRegressor`: ``"poisson"``, ``"gaussian_nll"``, ``{"name": "quantile", "quantiles": (0.1, 0.5, 0.9)}``.
        Hyperparameters that are lengths, such as the δ of ``"huber"``, are in standard deviations of the targets. Each member is trained by
        its own loss.
        Rates of ``"poisson"`` and ``"tweedie"`` add up to the targets of the training samples.
    scoring : str, callable, Metric, dict or None, default None
        Score that chooses the best epoch. None and ``"loss"`` are the validation loss of the members' mean: the RMSE for squared errors.
        Others are a metric of the registry, one of scikit-learn's scorers, or ``scorer(estimator, X, y)``.
    callbacks : sequence of str, Callback or dict, optional
        Callbacks that see every epoch, as in `nncore.Sequential.fit`. Each network gets copies.
    random_state : int, RandomState, Generator or None, default None
        Seed of the folds, initial weights, order of samples and dropout. The same int gives the same bits, whatever `n_threads` is, unless
        `time_limit` ends the fit.
    n_threads : int, optional
        Number of threads, each of which trains one network. A single network is trained by all of them. None is `nncore.get_num_threads`.
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
        Columns with fewer categories than this are one-hot encoded; missing and unknown categories are 0 in all inputs. Others become a
        learned vector (`nncore.Embedding`). The default is 1,000,000.
    embedding_size : int, optional
        Length of these vectors. The default is 8.
    n_quantiles : int, optional
        Number of quantiles, at most, by which numbers are mapped to a normal distribution (``"quantile_normal"`` of `nncore.encodings`).
        The default is 1,000. Not for sparse X.
    quantile_noise : float, optional
        Size of the noise added to numbers while these quantiles are learned. The default is 0.001. Not for sparse X.
    clip_target : bool, optional
        Limit predictions to the range of the training targets. The default is False.
    memory_limit : int or str, optional
        Memory for the blocks of samples, buffers and open files while X is read in blocks: a number of bytes, or a text such as ``"2 GB"``.
        None is 512 MiB. If it is given, X in memory is read in blocks too, and never copied whole.

    Attributes
    ----------
    networks_ : list of nncore.Sequential
        The networks whose predictions are averaged. Each takes the columns of X as encoded by the training rows of its fold, and ends with
        `nncore.MeanMembers`.
    histories_ : list of nncore.History
        Training history of each network.
    best_epochs_ : list of int
        Best epoch of each validated network.
    validation_scores_ : list of float
        Validation loss, metric or score at that epoch: of the network, or of the average of `n_ens` networks.
    member_orders_ : list of ndarray of shape (n_members,)
        Members of each validated network, in the order in which `prune` keeps them.
    member_losses_ : list of ndarray of shape (n_members,)
        Validation loss of the mean of the first 1, 2, … members in that order, on at most about 65,536 predictions.
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
        Number of units of the output layer of a member.
    n_features_in_, feature_names_in_
        As in every scikit-learn estimator.

    Notes
    -----
    A member computes yⱼ = φ(((xⱼ ⊙ rⱼ)·W) ⊙ sⱼ + bⱼ) in each layer, with one W for all members (`nncore.MembersDense`). The predictions of
    the members are averaged: values, quantiles or rates; with ``loss="gaussian_nll"``, means and log-variances. The defaults are those of
    pytabkit's TabM-D. TabArena's settings are
    ``numerical_embedding=True, weight_decay=3e-4, clip_norm=1.0, batch_size="auto"``.

    Each network learns the quantiles of columns and the scale of targets from its own training rows. Which categories exist, and which
    columns have missing numbers, is decided by all samples given to `fit`. If a column has NaN in training, the networks get a
    `nncore.FillMissing` layer. In other columns, a NaN that appears later is replaced by the mean. Dates in frames become their parts
    (``"date_parts"``), standardised. A column that is constant in training is left out. Samples of weight 0 are left out.

    Sparse X stays sparse: time and memory depend on its non-zero entries. Quantiles would make numbers of its zeros, so its columns are
    scaled as `RealMLPRegressor` scales them, by median and quartiles with a smooth clip. The first layer is `nncore.RepeatedDense`.

    Networks are trained on targets of mean 0 and standard deviation 1; with ``loss="poisson"``, of mean 1. Several networks with
    ``loss="gaussian_nll"`` predict the mean and the standard deviation of the mixture of their distributions.

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
        share_training_batches: bool | None = None,
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
