"""`Sequential`: a stack of layers that trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nncore.contract import History
from nncore.network.claims import claimed
from nncore.network.given import given_data
from nncore.network.model import Model
from nncore.network.preparing import prepare
from nncore.network.processes import checked, together
from nncore.network.turns import fits
from nncore.program import Precision
from nncore.typing import CallbackLike, CollectiveLike, LossLike, MetricLike, OptimizerLike, SamplerLike, SchedulesLike, TransformLike
from nncore.words import explains_calls


@explains_calls
class Sequential(Model):
    """A network whose layers follow one another.

    Parameters
    ----------
    *layers : Layer, str or Sequential
        In order, or one list of them; a name stands for that layer with its defaults. The network works with copies. Another network
        stands for its layers; if it is built, a copy of its parameters and running statistics comes with them, and so it does with a
        layer of it, ``net[0]``.

    Attributes
    ----------
    layers : sequence of Layer
        The network's own. Numbers of them can be changed (``net.layers[1].rate = 0.2``); what decides shapes cannot. `append`, `insert`,
        `replace` and `pop` change which layers there are.
    layer_names : list of str
        ``"dense_1"``, ``"dropout_1"``, ``"dense_2"``: kind and count, or the ``name=`` of the layer.
    loss, optimizer : Loss, Optimizer or None
        The network's own: ``net.optimizer.lr = 0.01`` counts from the next step on, also in a callback and under a schedule, which gives
        factors of it.
    weight_decay : float
        λ of the penalty ½·λ·ΣW² over weights (not biases), part of the loss and the gradient while training.
    clip_norm, clip_value : float
        Limits of the gradients, 0 for none.
    groups : dict of str to dict
        Tensors that are trained in another way, by patterns of their names.
    n_epochs : int
        Epochs trained in the life of the network.
    seed : int
        Key of the shuffling and of dropout; with `n_epochs` and `n_steps` it decides what comes next.
    metadata : dict
        Yours: anything JSON can hold, saved with the network.
    encoding : dict or None
        How the columns and the target of a table become numbers, as ``nncore train`` describes them; saved with the network.
    absent : dict
        Of a network that was loaded without the plugin of its ``"loss"``, ``"optimizer"`` or ``"schedule"``, or of a regularizer or a
        constraint (``"rules"``): what is missing, and why.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)
    >>> net = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(2))
    >>> history = net.fit(X, y, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.02), epochs=60, batch_size=20, rng=0)
    >>> net.evaluate(X, y)["accuracy"] > 0.95
    True
    """

    @fits
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        loss: LossLike | None = None,
        optimizer: OptimizerLike | None = None,
        epochs: int = 20,
        batch_size: int = 128,
        accumulate: int = 1,
        shuffle: bool | None = None,
        sampler: SamplerLike | None = None,
        transforms: Sequence[TransformLike] = (),
        drop_last: bool = False,
        validation: Any = None,
        metrics: Sequence[MetricLike] | None = None,
        train_metrics: bool = False,
        sample_weight: Any = None,
        callbacks: Sequence[CallbackLike] = (),
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        schedule: SchedulesLike | None = None,
        rng: int | np.random.Generator | np.random.SeedSequence | None = None,
        shards: int = 1,
        n_threads: int | None = None,
        progress: bool = True,
        dtype: str | np.dtype | type | None = None,
        precision: Precision | None = None,
        shuffle_buffer: int | None = None,
        memory_limit: int | str | None = None,
        collective: CollectiveLike | None = None,
    ) -> History:
        """Train by mini-batches; on a network that is already built, go on from where it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or a stream
            A C-contiguous array of the network's dtype is read where it lies; other input is converted. NaN is refused unless the first
            layer takes it (`nncore.FillMissing`, `nncore.Embedding`).

            A sparse matrix or array of SciPy stays sparse, so that time and memory go by the numbers that are in it, if `Dense` is the
            first layer, or all branches of `Concat` begin with one. Other first layers and `transforms` refuse it. Validation data may be
            sparse too, whatever X is.

            A stream is read in blocks by another thread while the network trains, and is never in memory as a whole: the path of a
            ``.parquet``, ``.feather``, ``.arrow``, ``.npy`` or ``.npz`` file, a folder or a list of Parquet files, a
            ``pyarrow.dataset.Dataset`` or ``Scanner`` (columns of numbers; needs the extra ``parquet``), an iterable of batches ``(X, y)``
            or ``(X, y, sample_weight)`` that can be iterated again (a list, a data loader), or a function that returns a fresh iterator.
            A generator can be gone through in one epoch.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), str or None
            Class indices from 0 on, or reals, as the loss takes. Of a stream of columns the name of the target, or a list of names; of
            ``.npy`` files another path, of ``.npz`` files the name of an array; None if the batches of X hold it.
        loss, optimizer : str, instance or None
            None keeps what the network has. A different optimizer (or one with other hyperparameters) starts with fresh state.
            Without any, the optimizer is ``"adam"``; there is no default loss. A loss may also be a function, see `nncore.FunctionLoss`.
        epochs : int, default 20
            Passes over the data.
        batch_size : int, default 128
            Samples a batch; the gradient is their mean.
        accumulate : int, default 1
            Batches a step: so many batches (or what is left of them at the end of an epoch) are gone through before the parameters are
            updated, by the mean gradient of all their samples. For large steps in little memory. 1 for a loss that needs whole batches.
        shuffle : bool, optional
            True is ``sampler="shuffle"``: visit the samples in a new random order every epoch. False is ``sampler="sequential"``: in the
            order of the data. None leaves it to `sampler`.
        sampler : str, Sampler or None
            Which samples an epoch visits, in which order: ``"shuffle"`` (what None stands for), ``"sequential"``, ``"balanced"`` (every
            class equally often), ``"blocks"`` (for data larger than memory), or one of your own. The fit works with a copy. A file does
            not keep it: give it again where a fit goes on.
        transforms : sequence of str, Transform or dict
            What happens to each batch before the first layer sees it, in this order: ``"gaussian_noise"``, ``"mixup"``, ``"cutmix"``,
            ``"feature_dropout"``, or yours. In this fit alone: predictions, scores, validation and `train_on_batch` see the data as they
            are. The fit works with copies. A file does not keep them: give them again where a fit goes on.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is smaller.
        validation : (X, y), (X, y, sample_weight), stream or float, optional
            Scored after every epoch: ``val_loss`` (without `weight_decay` and regularizers) and ``val_<metric>`` in the history. X may be
            a stream as well. A number between 0 and 1 holds out about that fraction of the samples, which are not trained on: a hash of
            the number of each sample and the seed decides, so that they are the same in each epoch, and again for the same `rng`.
        metrics : sequence of str, Metric or function, optional
            None takes those of the loss. For functions see `nncore.FunctionMetric`.
        train_metrics : bool, default False
            Score the training data after every epoch, too: ``train_loss`` and ``train_<metric>`` in the history. They are those of
            ``evaluate(X, y)`` after the epoch: without dropout, with the parameters at its end, as for `validation`. This takes one forward
            pass more an epoch. The column ``loss`` is the mean over the steps of the epoch instead.
        sample_weight : array-like of shape (n_samples,) or str, optional
            The loss of a batch is the weighted mean. Of a stream of columns the name of one.
        callbacks : sequence of str, Callback or function
            Told of progress, epochs and the end, in this order; those that save the network come last. A function is called with the
            running `nncore.training.Training` after every epoch.

            If the last fit was cut short (Ctrl-C, `TimeLimit`), or the network was saved during it, callbacks of the same class and
            arguments go on with what they remembered.
        weight_decay : float, optional
            λ: the loss of a batch adds ½·λ·ΣW² over weights (not biases), the gradient λW, as `nncore.L2` does for chosen tensors. None
            keeps what the network has, 0 at first.
        clip_norm : float, optional
            Gradients whose norm (of all trained parameters together) is larger are scaled down to it. None keeps what the network has, 0
            at first: no limit.
        clip_value : float, optional
            Each gradient is brought into [−clip_value, clip_value], before `clip_norm`. None and 0 as there.
        groups : dict of str to dict, optional
            Tensors that are trained in another way, by patterns of their names (``*``, ``?``):
            ``{"dense_1.*": {"frozen": True}, "*.weight": {"optimizer": "momentum"}, "*.bias": {"lr": 0.01, "weight_decay": 0.0}}``.
            `optimizer` trains those tensors instead of the network's; any number of the optimizer has another value in the group;
            `lr_factor` scales the learning rate; `weight_decay` replaces the optimizer's own if it has one (`AdamW`), else the λ of this
            call, for those tensors, of whatever role; what is `frozen` is not changed; with `lazy`, rows of an `Embedding`, or of a first
            `Dense` that reads sparse samples, that have no gradient in a step stay as they are, which gives other results with most
            optimizers. `regularizer` and `constraint`, a component or a list, replace what the layer says: ``{"dense_1.weight":
            {"regularizer": nn.L1(0.01), "constraint": "non_negative"}}``. Where several patterns match, later ones win, option by option.
            None keeps what the network has. Other optimizers for tensors start all of them with fresh state.
        schedule : str, instance, dict or None
            How the learning rate moves over the epochs of this call; or, in a dict of schedules by paths, how any numbers do:
            ``{"lr": "cosine", "weight_decay": "flat_cosine", "dropout_1.rate": {"name": "warmup", "then": "constant"}}``. A path is a
            number of the optimizer (``"beta1"``), ``"weight_decay"``, ``"clip_norm"``, ``"clip_value"``, ``"loss.<number>"``,
            ``"<layer>.<number>"``, ``"<layer>.activation.<number>"``, ``"<tensor>.regularizer.<number>"``,
            ``"<tensor>.constraint.<number>"`` or ``"transforms.0.<number>"``. Schedules give factors of it. Predictions and scores use the
            number itself. None goes on with schedules that are not at their end (an interrupted fit, a network from a file), else
            keeps the numbers. The same schedules given again go on likewise.
        rng : int, Generator, SeedSequence or None
            First values, order, dropout. The same int and data give the same bits. None on a built network keeps its streams.
        shards : int, default 1
            Parts of a batch, each summed by itself: gradients, the loss and the statistics of `nncore.BatchNorm` are the sums of the parts,
            added in pairs, then pairs of pairs. At most `batch_size`. The bits depend on this number, and not on `n_threads` or on how many
            processes of `collective` there are. What needs all samples of a batch at once, like a loss that compares them or a component
            without compiled form, is still given them. One process gains nothing by it. A file does not keep it: give it again where a fit
            goes on.
        n_threads : int, optional
            At most so many threads; None is `nncore.get_num_threads`. Results do not depend on the number, and small networks stay on
            one thread, which is then faster.
        progress : bool, default True
            Show a progress bar if the fit takes longer than half a second.
        dtype : {"float32", "float64"}, optional
            float32 unless the network is built.
        precision : {"float32", "bfloat16", "auto"}, optional
            ``"bfloat16"`` rounds the factors of matrix products in training to bfloat16 (8 significant bits) and sums in float32.
            Parameters, gradients, optimizer state and all that is no matrix product stay float32; so do validation, scores and
            predictions. It needs a processor with AVX512_BF16. Sums of fewer than 64 terms stay float32, and so do components written in
            Python. ``"auto"`` is ``"bfloat16"`` where products are measured to be faster with it and batches have at least 64 samples,
            else float32. None and ``"float32"`` do not round. A file does not keep it: give it again where a fit goes on.
        shuffle_buffer : int, optional
            Samples of a stream that are mixed with one another: they leave a buffer of so many in random order, while new ones take their
            places. The pieces of the stream (row groups, files, ranges of an array) come in random order as well. None is as many as
            `memory_limit` allows. Arrays are streamed if this or `memory_limit` is given.
        memory_limit : int or str, optional
            What blocks, buffers and pieces that are being read may take: bytes, or ``"2 GB"``. None is 512 MiB. Half of it is for the
            buffer. The network, a library that reads files, and the caller's own batches are not counted.
        collective : str, Collective or None
            How the processes reach each other that fit this network together, all by this same call with the same data: ``"mpi"`` of
            the plugin nncore-mpi, under ``mpiexec``. They share the work, and each ends with the bits of a fit by one process, whatever
            their number. The first one shows progress and writes files. None is this process alone.

        Returns
        -------
        History
            One row an epoch. Ctrl-C ends the fit early and returns what there is (``history.interrupted``); the parameters are
            those of the last finished step. ``history.wait_share`` tells what part of the time went by in waiting for a stream.

        Raises
        ------
        ParameterError
            If the network is known to end in numbers that the loss does not take (a sigmoid before a loss from logits), or if the last fit
            was cut short in the middle of an epoch and this one has other data, another batch size or sampler, or another of what decides
            how that epoch goes on: see `forget_fit`. Or if the network or this machine cannot train in `precision`. Or if a stream does not
            fit into `memory_limit`, or would have to be gone through more often than it can be. Nothing is changed.
        DataError
            If samples cannot be trained on. Those of a stream are looked at as they come: the fit may have begun then. An error of the
            source itself comes out as it is.
        BusyError
            If a fit of this network is under way, also in this thread, as in a callback; or a fit of any network that has one of these
            callbacks.
        NonFiniteError
            If the loss or a gradient becomes NaN or infinite; the parameters are those of the last finished step.
        CollectiveError
            If the processes of a collective begin different fits, or another one of them was stopped.

        Warns
        -----
        UserWarning
            If `precision` is ``"bfloat16"`` and nothing in the network used it.
        ResumptionWarning
            If what a callback of a fit that was cut short remembered is forgotten, since this fit has none like it, or another loss; or if
            an epoch that was cut short begins anew, since the network was trained in between.
        """
        with together(collective) as processes:
            with checked(processes):
                prepared = prepare(
                    self,
                    given_data(X, y, sample_weight, validation, shuffle_buffer, memory_limit),
                    loss=loss,
                    optimizer=optimizer,
                    epochs=epochs,
                    batch_size=batch_size,
                    accumulate=accumulate,
                    shuffle=shuffle,
                    sampler=sampler,
                    transforms=transforms,
                    drop_last=drop_last,
                    metrics=metrics,
                    train_metrics=train_metrics,
                    callbacks=callbacks,
                    weight_decay=weight_decay,
                    clip_norm=clip_norm,
                    clip_value=clip_value,
                    groups=groups,
                    schedule=schedule,
                    rng=rng,
                    shards=shards,
                    n_threads=n_threads,
                    progress=progress,
                    dtype=dtype,
                    precision=precision,
                    processes=processes,
                )
            if processes is not None:
                processes.check_alike(prepared.described())
            with claimed(prepared.callbacks), prepared.begun() as training:
                return training.run()
