"""`Sequential`: a stack of layers that trains, predicts and is saved."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nncore import registry
from nncore._core.program import INPUT_NOT_FINITE, Failure
from nncore.arguments import as_dtype, as_seed, number, several, whole_number
from nncore.data import Dataset, as_matrix, as_rows, as_samples, as_targets, as_weights, check_finite, check_replaced
from nncore.errors import NotBuiltError, ParameterError, ShapeError
from nncore.groups import check_groups, group_tensors
from nncore.history import History
from nncore.initialisation import BATCH_ROWS
from nncore.monitor import check_recorded
from nncore.network import Network
from nncore.planning import Blueprint, check_trainable, plan_network
from nncore.plugin import Callback, Configurable, Loss, Metric, Schedule
from nncore.threads import WORTH_WAKING, get_num_threads, threads_for
from nncore.training import Training, columns, explained, metric_name
from nncore.typing import CallbackLike, LossLike, MetricLike, OptimizerLike, ScheduleLike


class Sequential(Network):
    """A network whose layers follow one another.

    Parameters
    ----------
    *layers : Layer or str
        In order; a name stands for that layer with its defaults.

    Attributes
    ----------
    layers : list of Layer
    layer_names : list of str
        ``"dense_1"``, ``"dropout_1"``, ``"dense_2"``: kind and count.
    loss, optimizer : Loss, Optimizer or None
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

    # ---- training -----------------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        loss: LossLike | None = None,
        optimizer: OptimizerLike | None = None,
        epochs: int = 20,
        batch_size: int = 128,
        accumulate: int = 1,
        shuffle: bool = True,
        drop_last: bool = False,
        validation: tuple[Any, ...] | None = None,
        metrics: Sequence[MetricLike] | None = None,
        sample_weight: Any = None,
        callbacks: Sequence[CallbackLike] = (),
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        schedule: ScheduleLike | None = None,
        rng: int | np.random.Generator | np.random.SeedSequence | None = None,
        n_threads: int | None = None,
        progress: bool = True,
        dtype: str | np.dtype | type | None = None,
    ) -> History:
        """Train by mini-batches; on a network that is already built, go on from where it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            A C-contiguous array of the network's dtype is read where it lies; other input is converted. NaN is refused unless the first
            layer takes it (`nncore.FillMissing`, `nncore.Embedding`).
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Class indices from 0 on, or reals, as the loss takes.
        loss, optimizer : str, instance or None
            None keeps what the network has. A different optimizer (or one with other hyperparameters) starts with fresh state.
            Without any, the optimizer is ``"adam"``; there is no default loss. A loss may also be a function, see `nncore.FunctionLoss`.
        epochs : int, default 20
            Passes over the data.
        batch_size : int, default 128
            Samples a batch; the gradient is their mean.
        accumulate : int, default 1
            Batches a step: so many batches (or what is left of them at the end of an epoch) are gone through before the parameters are
            updated, by the mean gradient of all their samples. For large steps in little memory.
        shuffle : bool, default True
            Visit the samples in a new random order every epoch.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is smaller.
        validation : (X, y) or (X, y, sample_weight), optional
            Scored after every epoch: ``val_loss`` (without the penalty of `weight_decay`) and ``val_<metric>`` in the history.
        metrics : sequence of str, Metric or function, optional
            None takes those of the loss. For functions see `nncore.FunctionMetric`.
        sample_weight : array-like of shape (n_samples,), optional
            The loss of a batch is the weighted mean.
        callbacks : sequence of str, Callback or function
            Told of progress, epochs and the end, in this order. A function is called with the running `nncore.training.Training` after
            every epoch.
        weight_decay : float, optional
            λ: the loss of a batch adds ½·λ·ΣW² over weights (not biases), the gradient λW. None keeps what the network has, 0 at
            first.
        clip_norm : float, optional
            Gradients whose norm (of all trained parameters together) is larger are scaled down to it. None keeps what the network has, 0
            at first: no limit.
        clip_value : float, optional
            Each gradient is brought into [−clip_value, clip_value], before `clip_norm`. None and 0 as there.
        groups : dict of str to dict, optional
            Tensors that are trained in another way, by patterns of their names (``*``, ``?``):
            ``{"dense_1.*": {"frozen": True}, "*.bias": {"lr_factor": 0.1, "weight_decay": 0.0}}``. `lr_factor` scales the learning rate;
            `weight_decay` replaces the optimizer's own if it has one (`AdamW`), else the λ of this call, for those tensors, of whatever
            role; what is `frozen` is not changed. Where several patterns match, later ones win. None keeps what the network has.
        schedule : str, instance or None
            How the learning rate moves over the epochs of this call. None goes on with a schedule that is not at its end (an
            interrupted fit, a network from a file), else keeps the rate. The same schedule given again goes on likewise.
        rng : int, Generator, SeedSequence or None
            First values, order, dropout. The same int and data give the same bits. None on a built network keeps its streams.
        n_threads : int, optional
            At most so many threads; None is `nncore.get_num_threads`. Results do not depend on the number, and small networks stay on
            one thread, which is then faster.
        progress : bool, default True
            Show a progress bar if the fit takes longer than half a second.
        dtype : {"float32", "float64"}, optional
            float32 unless the network is built.

        Returns
        -------
        History
            One row an epoch. Ctrl-C ends the fit early and returns what there is (``history.interrupted``); the parameters are
            those of the last finished step.

        Raises
        ------
        NonFiniteError
            If the loss or a gradient becomes NaN or infinite; the parameters are those of the last finished step.
        """
        epochs = whole_number("epochs", epochs, 0)
        batch_size = whole_number("batch_size", batch_size, 1)
        n_threads = get_num_threads() if n_threads is None else whole_number("n_threads", n_threads, 1)
        accumulate = whole_number("accumulate", accumulate, 1)
        weight_decay = self.weight_decay if weight_decay is None else number("weight_decay", weight_decay, 0)
        clip_norm = self.clip_norm if clip_norm is None else number("clip_norm", clip_norm, 0)
        clip_value = self.clip_value if clip_value is None else number("clip_value", clip_value, 0)
        new_groups = self.groups if groups is None else check_groups(groups)
        observers: list[Callback] = [registry.resolve("callbacks", callback) for callback in several("callbacks", callbacks)]
        if self.is_built and dtype is not None and as_dtype(dtype) != self.dtype:
            raise ParameterError(f"this network is built in {self.dtype}: drop dtype=, or build it again")

        number_type = self.dtype if self.is_built else as_dtype("float32" if dtype is None else dtype)
        samples = as_rows(X, "X", self.input_shape if self.is_built else None)
        blueprint = self._built if self.is_built else plan_network(self.layers, self.layer_names, samples.shape[1:])
        check_finite(samples, "X", number_type, blueprint.accepts_nan)
        check_trainable(blueprint)
        new_loss = self._needs("loss") if loss is None else registry.resolve("losses", loss)
        new_optimizer = registry.resolve("optimizers", optimizer or "adam") if optimizer or self.optimizer is None else self.optimizer
        new_schedule = None if schedule is None else registry.resolve("schedules", schedule)
        grouping = group_tensors(new_groups, blueprint.spans)
        has_rate = "lr" in new_optimizer.config()
        if not has_rate and (new_schedule is not None or any(group.lr_factor != 1 for group in grouping.groups)):
            raise ParameterError(f"{new_optimizer!r} has no lr that a schedule or a group could change")
        scored = _metrics(new_loss, metrics)
        data = Dataset.checked(samples, y, sample_weight, new_loss, blueprint.n_outputs, number_type)
        held_out = None if validation is None else _held_out(validation, new_loss, blueprint, number_type)
        if held_out is not None:
            for metric in scored:
                metric.check_shapes((len(held_out), blueprint.n_outputs), held_out.targets.values.shape)
        if drop_last and len(data) < batch_size:
            raise ParameterError(f"drop_last=True leaves nothing of {len(data)} samples in batches of {batch_size}")
        recorded = columns(scored, validated=held_out is not None, scheduled=bool(new_schedule or self.schedule))
        for component in (*observers, new_schedule):
            if component is not None and component.monitor is not None:
                check_recorded(type(component).__name__, component.monitor, recorded)

        # Everything is checked: only now the network changes.
        with self.training_alone():
            if not self.is_built:
                self.build(samples.shape[1:], rng=rng, dtype=number_type, batch=samples[:: -(-len(samples) // BATCH_ROWS)])
            elif rng is not None:
                self.seed = as_seed(rng)
            if not _same(new_loss, self.loss):
                self.loss = new_loss
                self._forget_programs()
            if not _same(new_optimizer, self.optimizer):
                self._set_optimizer(new_optimizer)
            self._set_groups(new_groups, grouping)
            self.weight_decay = weight_decay
            self.clip_norm = clip_norm
            self.clip_value = clip_value
            n_batches = len(data) // batch_size if drop_last else -(-len(data) // batch_size)
            self._set_schedule(new_schedule, epochs * -(-n_batches // accumulate))
            if progress:
                observers.append(registry.resolve("callbacks", "progress_bar"))
            n_rows = min(batch_size, len(data))
            program = self.program_for_training(n_rows, accumulates=accumulate > 1)
            training = Training(
                self,
                program,
                data,
                n_epochs=epochs,
                batch_size=batch_size,
                accumulate=accumulate,
                shuffle=shuffle,
                drop_last=drop_last,
                pace=self._pace(program, n_rows, n_threads),
                validation=held_out,
                metrics=scored,
                callbacks=observers,
            )
            return training.run()

    def _set_schedule(self, schedule: Schedule | None, n_steps: int) -> None:
        """Go on with the schedule under way, or begin another that spans `n_steps`."""
        under_way = self.schedule is not None and self.n_steps - self.schedule_begin < self.schedule_steps
        if under_way and (schedule is None or _same(schedule, self.schedule)):
            return
        schedule = copy.deepcopy(schedule)  # what one network observes is no affair of another's, nor of the user's instance
        if schedule is not None:
            schedule.restore({})
        self.schedule = schedule
        self.schedule_begin = self.n_steps
        self.schedule_steps = n_steps

    def forward(self, X: Any, training: bool = False) -> np.ndarray:
        """Outputs for a batch; with ``training=True`` what `backward` needs is kept, and dropout and batch norm act as in `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.
        training : bool, default False
            False: as `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            What leaves the last layer.
        """
        if not training:
            return self.predict(X)
        inputs = as_matrix(as_samples(X, "X", self.input_shape, self.dtype, self._built.accepts_nan), self.dtype)
        if len(inputs) == 0:
            raise ShapeError("X has no samples")
        program = self.program_for_training(len(inputs))
        self._forward_rows, self._forward_inputs, self._has_gradients = 0, inputs, False
        with explained(program):
            program.forward(inputs, True, threads_for(None, program.spec.forward_seconds(len(inputs)), WORTH_WAKING))
        self._forward_rows = len(inputs)
        return program.spec.output[: len(inputs)].copy()

    def backward(self, y: Any, sample_weight: Any = None) -> float:
        """Gradients of the loss of the last ``forward(X, training=True)`` against `y`, into `gradients`.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            How much each sample counts.

        Returns
        -------
        float
            Mean loss of the batch, with the penalty of `weight_decay`.
        """
        loss, program, inputs, n = self._needs("loss"), self._training_program, self._forward_inputs, self._forward_rows
        if program is None or inputs is None or n == 0:
            raise NotBuiltError("backward follows forward(X, training=True): call that first")
        spec = program.spec
        targets = as_targets(y, loss, spec.n_outputs, self.dtype)
        if len(targets) != n:
            raise ShapeError(f"y has {len(targets)} samples, the last forward had {n}")
        weights = as_weights(sample_weight, n, self.dtype)
        program.use_labels = targets.labels is not None
        (spec.target if targets.labels is None else spec.labels)[:n] = targets.values
        spec.weight[:n] = _normalised(weights, n, self.dtype)
        with explained(program):
            value = program.loss_value(n, True)
            value += program.backward(inputs, threads_for(None, program.spec.step_seconds(n), WORTH_WAKING))
        self._has_gradients = True
        return value

    def step(self) -> None:
        """Let the optimizer update the parameters by the gradients of the last `backward`."""
        self._needs("optimizer")
        if self._training_program is None or not self._has_gradients:
            raise NotBuiltError("step follows backward(y): call that first")
        program = self.program_for_training(self._forward_rows)
        with explained(program):
            program.update(threads_for(None, program.spec.step_seconds(0), WORTH_WAKING))
        self._has_gradients, self._forward_rows = False, 0

    def train_on_batch(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """`forward`, `backward` and `step` in one call.

        Parameters
        ----------
        X, y, sample_weight : array-like
            One batch, as in `forward` and `backward`.

        Returns
        -------
        float
            Mean loss of the batch before the step.
        """
        self._needs("loss")
        self._needs("optimizer")
        self.forward(X, training=True)
        value = self.backward(y, sample_weight)
        self.step()
        return value

    # ---- using --------------------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Outputs of the network, as they leave the last layer (logits for a loss from logits: see `predict_proba`).

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype of the network
            What leaves the last layer.
        """
        samples = as_rows(X, "X", self.input_shape)
        if samples.dtype != self.dtype:  # what would be too large after conversion is told from infinity only before
            check_finite(samples, "X", self.dtype, self._built.accepts_nan)
        inputs = as_matrix(samples, self.dtype)
        program = self._program_for_prediction()
        outputs = np.empty((len(inputs), program.spec.n_outputs), self.dtype)
        with explained(program):
            try:
                program.predict(inputs, outputs, threads_for(None, program.spec.forward_seconds(len(inputs)), WORTH_WAKING))
            except Failure as failure:
                if failure.status == INPUT_NOT_FINITE:
                    check_finite(samples, "X", self.dtype, self._built.accepts_nan)
                raise
        if self._built.accepts_nan:
            check_replaced(inputs, outputs)
        return outputs.reshape(len(inputs), *self.output_shape)

    def predict_one(self, x: Any) -> np.ndarray:
        """Outputs for a single sample of shape `input_shape`, without the dimension of samples.

        The fastest way to one prediction: under a microsecond for a small network and an ndarray of its dtype.

        Parameters
        ----------
        x : array-like of shape `input_shape`
            The sample.

        Returns
        -------
        ndarray of shape (n_outputs,)
            What `predict` gives for it.
        """
        program = self._prediction_program
        if program is not None:
            output = program.predict_one(x)
            if output is not None:
                return output
        return self.predict(np.asarray(x)[None])[0]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predictions on the scale of the targets: `predict` followed by the loss's link, if it has one.

        Probabilities for losses from logits (softmax, sigmoid), rates for ``poisson`` (exp).

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The predictions.
        """
        return self._linked(self.predict(X))

    def _linked(self, outputs: np.ndarray) -> np.ndarray:
        link = None if self.loss is None else self.loss.link
        return outputs if link is None else registry.resolve("activations", link).forward(outputs)

    def evaluate(self, X: Any, y: Any, *, sample_weight: Any = None, metrics: Sequence[MetricLike] | None = None) -> dict[str, float]:
        """Mean loss (without the penalty of `weight_decay`) and metrics on data not trained on.

        Parameters
        ----------
        X, y : array-like
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            How much each sample counts in the means.
        metrics : sequence of str, Metric or function, optional
            Others than those that go with the loss.

        Returns
        -------
        dict of str to float
            ``{"loss": ..., "accuracy": ...}``.
        """
        loss = self._needs("loss")
        scored = _metrics(loss, metrics)
        samples = as_samples(X, "X", self.input_shape, self.dtype, self._built.accepts_nan)
        data = Dataset.checked(samples, y, sample_weight, loss, self._built.n_outputs, self.dtype)
        return self.score_dataset(data, scored)

    def score_dataset(self, data: Dataset, metrics: Sequence[Metric]) -> dict[str, float]:
        """`evaluate` for data that is already checked."""
        program = self._program_for_prediction()
        outputs = np.empty((len(data), program.spec.n_outputs), self.dtype)
        progress, done = [0, 0.0, 0.0], 0
        n_threads = threads_for(None, program.spec.forward_seconds(len(data)), WORTH_WAKING)
        for block in data.blocks(None, program.spec.max_rows):
            progress[0] = 0
            fields = (block.inputs, block.reals, block.labels, block.weights)
            with explained(program):
                program.evaluate(*fields, outputs[done : done + len(block)], math.inf, progress, n_threads)
            if self._built.accepts_nan:
                check_replaced(block.inputs, outputs[done : done + len(block)], done)
            done += len(block)
        scores = {"loss": progress[1] / progress[2]}
        predictions = self._linked(outputs)
        for metric in metrics:
            scores[metric_name(metric)] = metric.score(predictions, data.targets.values, data.weights)
        return scores

    # ---- showing and keeping ------------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """A table of layers, shapes and parameters.

        Returns
        -------
        str
            Several lines, to be printed.
        """
        from nncore.summary import summary

        return summary(self)

    def describe(self) -> dict[str, Any]:
        """What the network is made of, and the rung (native, numpy) on which each part runs.

        Returns
        -------
        dict
            Numbers, strings, lists and dicts, as JSON can hold them.
        """
        from nncore.summary import describe

        return describe(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file (safetensors with a JSON description); `nncore.load` reads it back. No pickle.

        Parameters
        ----------
        path : str or path-like
            ``"digits.nncore"``. A file of that name is replaced once the new one is complete.
        """
        from nncore.persistence import save

        save(self, path)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(repr(layer) for layer in self.layers)})"

    def _repr_html_(self) -> str:
        from nncore.summary import html

        return html(self)


def _held_out(validation: Any, loss: Loss, blueprint: Blueprint, dtype: np.dtype) -> Dataset:
    """Validation data as users pass it."""
    if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
        raise ParameterError("validation must be (X, y) or (X, y, sample_weight)")
    X, y, sample_weight = (*validation, None)[:3]
    samples = as_samples(X, "validation X", blueprint.input_shape, dtype, blueprint.accepts_nan)
    return Dataset.checked(samples, y, sample_weight, loss, blueprint.n_outputs, dtype, role="validation ")


def _metrics(loss: Loss, names: Sequence[MetricLike] | None) -> list[Metric]:
    """The metrics asked for, or those that go with the loss."""
    return [registry.resolve("metrics", name) for name in (loss.metrics if names is None else several("metrics", names))]


def _same(one: Any, other: Any) -> bool:
    """Whether two components are of one kind and configured alike."""
    if one is other:
        return True
    if not isinstance(one, Configurable):  # an argument
        return bool(one == other)
    return type(one) is type(other) and all(map(_same, one.config().values(), other.config().values()))


def _normalised(weights: np.ndarray | None, n: int, dtype: np.dtype) -> np.ndarray:
    """Row weights that sum to 1, computed as the core does it in `fit`."""
    weights = np.ones(n, dtype) if weights is None else weights
    total = float(np.cumsum(weights, dtype=np.float64)[-1])  # term after term; np.sum adds in pairs and may round otherwise
    return weights * dtype.type(1 / total)
