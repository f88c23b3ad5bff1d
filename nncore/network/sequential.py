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
    """A neural network: a stack of layers that you fit, predict with, save and export.

    Parameters
    ----------
    *layers : Layer, str or Sequential
        The layers in order, or one list of them. A name stands for that layer with its defaults. The network works with copies. Another
        network stands for its layers. A built network, or a layer of one (``net[0]``), brings a copy of its parameters and running
        statistics.

    Attributes
    ----------
    layers : sequence of Layer
        The network's own layers. Their numbers can be changed (``net.layers[1].rate = 0.2``), their shapes cannot. `append`, `insert`,
        `replace` and `pop` change which layers there are.
    layer_names : list of str
        ``"dense_1"``, ``"dropout_1"``, ``"dense_2"``: kind and count, or the ``name=`` of the layer.
    loss, optimizer : Loss, Optimizer or None
        The network's own. ``net.optimizer.lr = 0.01`` takes effect at the next step, also in a callback. A schedule multiplies the
        learning rate that is set here.
    weight_decay : float
        λ of the penalty ½·λ·ΣW² over weights (not biases), which training adds to the loss and to the gradient.
    clip_norm, clip_value : float
        Limits of the gradients; 0 for no limit.
    groups : dict of str to dict
        Options of single tensors, by patterns of their names: frozen, learning rate, optimizer and others; see `fit`.
    n_epochs : int
        Number of epochs trained so far, over all fits.
    seed : int
        Key of shuffling and dropout. Together with `n_epochs` and `n_steps` it decides the random numbers to come.
    metadata : dict
        Your notes: anything JSON can hold. They are saved with the network.
    encoding : dict or None
        How the columns and the target of a table become numbers, as ``nncore train`` writes it. It is saved with the network.
    absent : dict
        Components that the file of this network names and no installed plugin provides, with the reason: ``"loss"``, ``"optimizer"``,
        ``"schedule"``, or ``"rules"`` for regularizers and constraints.

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
        """Train the network on mini-batches; a network that is already built goes on training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or a stream
            The features. A C-contiguous array of the network's dtype is read in place; other input is converted. NaN raises an error
            unless the first layer takes it (`nncore.FillMissing`, `nncore.Embedding`).

            A sparse matrix or array of SciPy stays sparse: time and memory follow the number of its stored values. The first layer must be
            `Dense`, `ScaledDense` or `RepeatedDense`, or a `Concat` of branches that begin with one. Other first layers, and `transforms`,
            raise an error. Validation data may be sparse or dense, whatever X is. Batches of a stream may be sparse, too: all of them, or
            none.

            A stream is data that need not fit into memory. Another thread reads it in blocks while the network trains. Streams are:

            - the path of a ``.parquet``, ``.feather``, ``.arrow``, ``.npy`` or ``.npz`` file;
            - a folder or a list of Parquet files;
            - a ``pyarrow.dataset.Dataset`` or ``Scanner`` with columns of numbers (needs the extra ``parquet``);
            - an iterable of batches ``(X, y)`` or ``(X, y, sample_weight)`` that can be iterated again, such as a list or a data loader;
            - a function that returns a fresh iterator of batches.

            A generator lasts for one epoch.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), str or None
            The targets: class indices from 0 on, or real numbers, depending on the loss. For a stream of columns, give the name of the
            target or a list of names. For ``.npy`` files give another path, for ``.npz`` files the name of an array. None if the batches
            of X hold the targets.
        loss, optimizer : str, instance or None
            None uses what the network has. A new network gets ``"adam"``; there is no default loss. A different optimizer, or one with
            other hyperparameters, starts with fresh state. A loss may also be a function, see `nncore.FunctionLoss`.
        epochs : int, default 20
            Number of passes over the data.
        batch_size : int, default 128
            Number of samples in a batch. The gradient is the mean over these samples.
        accumulate : int, default 1
            Number of batches whose gradients are averaged before each update: large steps in little memory. The last step of an epoch may
            have fewer. Use 1 for a loss that needs whole batches.
        shuffle : bool, optional
            True is ``sampler="shuffle"``: visit the samples in a new random order every epoch. False is ``sampler="sequential"``: visit
            them in the order of the data. None leaves it to `sampler`.
        sampler : str, Sampler or None
            Which samples an epoch visits, and in which order. None and ``"shuffle"`` visit all in random order, ``"sequential"`` in order,
            ``"balanced"`` every class equally often; ``"blocks"`` is for data larger than memory. The fit works with a copy. A file does
            not hold it: give it again to resume.
        transforms : sequence of str, Transform or dict
            Augmentation: what changes each training batch, in this order. ``"gaussian_noise"``, ``"mixup"``, ``"cutmix"``,
            ``"feature_dropout"``, or your own. Predictions, scores, validation and `train_on_batch` see the data unchanged. The fit works
            with copies. A file does not hold them: give them again to resume.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is smaller than `batch_size`.
        validation : (X, y), (X, y, sample_weight), stream or float, optional
            Data to score after every epoch: ``val_loss`` (without `weight_decay` and regularizers) and ``val_<metric>`` in the history. X
            may be a stream. A number between 0 and 1 holds out about that fraction of the samples. A hash of the sample's number and the
            seed chooses them, so they are the same in every epoch and for the same `rng`.
        metrics : sequence of str, Metric or function, optional
            What to score by. None uses the metrics of the loss. For functions see `nncore.FunctionMetric`.
        train_metrics : bool, default False
            Also score the training data after every epoch: ``train_loss`` and ``train_<metric>`` in the history. They are the results of
            ``evaluate(X, y)`` after the epoch, without dropout, and cost one more forward pass. The column ``loss`` is the mean over the
            steps of the epoch instead.
        sample_weight : array-like of shape (n_samples,) or str, optional
            Weights of the samples: the loss of a batch is the weighted mean. For a stream of columns, the name of a column.
        callbacks : sequence of str, Callback or function
            Called in this order during the fit; those that save the network are called last. A function is called after every epoch with
            the running `nncore.training.Training`.

            If the last fit was interrupted (Ctrl-C, `TimeLimit`), or the network was saved during it, callbacks of the same class and
            arguments restore their state.
        weight_decay : float, optional
            λ: adds ½·λ·ΣW² over weights (not biases) to the loss of a batch and λW to the gradient. `nncore.L2` does so for chosen tensors.
            None keeps the network's value, at first 0.
        clip_norm : float, optional
            Scale the gradients down where their norm, over all trained parameters, is larger than this. None keeps the network's value, at
            first 0, which is no limit.
        clip_value : float, optional
            Clip each gradient to [−clip_value, clip_value], before `clip_norm`. None and 0 as for `clip_norm`.
        groups : dict of str to dict, optional
            Options of single tensors, by patterns of their names (``*``, ``?``):
            ``{"dense_1.*": {"frozen": True}, "*.weight": {"optimizer": "momentum"}, "*.bias": {"lr": 0.01, "weight_decay": 0.0}}``.

            - ``frozen``: True leaves the tensors unchanged.
            - ``optimizer``: trains these tensors instead of the network's optimizer.
            - any number of the optimizer, such as ``lr``: another value for these tensors. ``lr_factor`` scales the learning rate.
            - ``weight_decay``: replaces the optimizer's own, if it has one (`AdamW`), else the λ of this call. It holds for biases too.
            - ``lazy``: True updates only rows that have a gradient in a step, of an `Embedding` or of a first `Dense` on sparse samples.
              With most optimizers the results differ.
            - ``regularizer``, ``constraint``: a component or a list, instead of the layer's:
              ``{"dense_1.weight": {"regularizer": nn.L1(0.01), "constraint": "non_negative"}}``.

            Where several patterns match, the later one wins, option by option. None keeps the network's groups. Giving tensors another
            optimizer resets the state of all optimizers.
        schedule : str, instance, dict or None
            The schedule of the learning rate over the epochs of this call. A dict holds schedules of any numbers, by their paths:
            ``{"lr": "cosine", "weight_decay": "flat_cosine", "dropout_1.rate": {"name": "warmup", "then": "constant"}}``. A path is a
            number of the optimizer (``"beta1"``), ``"weight_decay"``, ``"clip_norm"``, ``"clip_value"``, ``"loss.<number>"``,
            ``"<layer>.<number>"``, ``"<layer>.activation.<number>"``, ``"<tensor>.regularizer.<number>"``,
            ``"<tensor>.constraint.<number>"`` or ``"transforms.0.<number>"``.

            A schedule multiplies the number. Predictions and scores use the number itself. None continues a schedule that has not ended
            (after an interrupted fit, or in a network from a file), else leaves the numbers constant. The same schedule given again
            continues too.
        rng : int, Generator, SeedSequence or None
            Seed of initial values, order and dropout. The same int and data give the same bits. None on a built network continues its
            random streams.
        shards : int, default 1
            Number of parts of a batch that are summed separately, at most `batch_size`. Gradients, the loss and the statistics of
            `nncore.BatchNorm` are sums of the parts, added in pairs. Results depend on this number to the bit, but not on `n_threads` or on
            the number of processes of `collective`. A loss that compares samples, and components without compiled form, still get whole
            batches. In one process this gains nothing. A file does not hold it: give it again to resume.
        n_threads : int, optional
            Use at most this many threads; None is `nncore.get_num_threads`. Results do not depend on it. Small networks stay on one thread,
            which is faster.
        progress : bool, default True
            Show a progress bar if the fit takes longer than half a second.
        dtype : {"float32", "float64"}, optional
            Type of the parameters. None is float32, or the dtype of a built network.
        precision : {"float32", "bfloat16", "auto"}, optional
            ``"bfloat16"`` rounds the factors of matrix products in training to bfloat16 (8 significant bits) and sums in float32. It needs
            a processor with AVX512_BF16, and uses AMX where there is that. Parameters, gradients, optimizer state, scores and predictions
            stay float32, and so do products whose sums have fewer than 64 terms and components written in Python. ``"auto"`` is
            ``"bfloat16"`` where products are measured to be faster with it and batches have at least 64 samples, or 32 with AMX, else
            float32. None and ``"float32"`` do not round. A file does not hold it: give it again to resume.
        shuffle_buffer : int, optional
            Number of samples of a stream that are shuffled together. Samples leave the buffer in random order and new ones take their
            places. The pieces of the stream (row groups, files, ranges of an array) are read in random order as well. None is as many as
            `memory_limit` allows. Arrays are streamed if this or `memory_limit` is given.
        memory_limit : int or str, optional
            Memory for blocks, buffers and pieces that are being read: bytes, or ``"2 GB"``. None is 512 MiB. Half of it is the shuffle
            buffer. The network, a library that reads files, and your own batches are not counted.
        collective : str, Collective or None
            How processes that fit this network together exchange data: ``"mpi"`` of the plugin nncore-mpi, under ``mpiexec``. Each process
            makes this same call with the same data. They share the work, and each ends with the result of one process, to the bit. The
            first process shows progress and writes files. None is this process alone.

        Returns
        -------
        History
            One row for each epoch. Ctrl-C ends the fit early and returns the rows so far (``history.interrupted``); the parameters are
            those of the last finished step. ``history.wait_share`` is the part of the time that was spent waiting for a stream.

        Raises
        ------
        ParameterError
            If an argument does not fit the network, the loss or the machine:

            - the outputs are not what the loss takes, as for a sigmoid before a loss from logits;
            - the last fit was interrupted within an epoch, and the data, batch size, sampler or seed differ now (see `forget_fit`);
            - the network or this machine cannot train in `precision`;
            - a stream does not fit into `memory_limit`, or would have to be read more often than it can be.

            Nothing is changed.
        DataError
            If samples cannot be trained on. Samples of a stream are checked as they arrive, perhaps after the first steps. An error of the
            source itself is raised unchanged.
        BusyError
            If a fit of this network is running, also in this thread, as in a callback; or if another fit uses one of these callbacks.
        NonFiniteError
            If the loss or a gradient becomes NaN or infinite. The parameters are those of the last finished step.
        CollectiveError
            If the processes of a collective begin different fits, or one of them was stopped.

        Warns
        -----
        UserWarning
            If `precision` is ``"bfloat16"`` and nothing in the network used it.
        ResumptionWarning
            If this fit resumes an interrupted one and loses the state of a callback, since it has no such callback or another loss. Or if
            the network was trained in between, so that the interrupted epoch begins anew.
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
