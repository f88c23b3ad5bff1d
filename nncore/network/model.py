"""`Model`: predictions, scores, single training steps, summaries and files of a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

import numpy as np

from nncore._core import INPUT_NOT_FINITE, Failure, Program, SparseRows, ready_rows
from nncore.arguments import flag
from nncore.data import (
    Dataset,
    Samples,
    SparseSamples,
    StreamMemory,
    StreamSource,
    Targets,
    as_inputs,
    as_matrix,
    as_numbers,
    as_rows,
    as_samples,
    as_stream,
    as_weights,
    check_finite,
    check_replaced,
    for_core,
    for_network,
    inputs_stream,
)
from nncore.errors import NotBuiltError, ParameterError, ShapeError
from nncore.files import FileLike
from nncore.network.evaluation import Evaluation, linked, metrics_for
from nncore.network.exporting import export
from nncore.network.failures import Explained
from nncore.network.input_gradients import input_gradients, jacobian
from nncore.network.programs import IN_PARTS, WHOLE
from nncore.network.quantizing import quantized
from nncore.network.saving import check_save, save
from nncore.network.streaming import evaluate_stream, predict_stream
from nncore.network.summary import describe, html, summary
from nncore.network.surgery import Surgery
from nncore.network.temperature import calibrate
from nncore.network.turns import reads, steps, writes_down
from nncore.network.work import drive
from nncore.program import WORTH_WAKING, ProgramSpec, check_differentiable, threads_for
from nncore.typing import MetricLike
from nncore.words import explains_calls

#: About how long the core runs before Python can handle Ctrl-C.
SLICE_SECONDS = 0.05


@explains_calls(but=("predict_one", "predict_proba_one"))
class Model(Surgery):
    """Everything a network does besides `fit`: the base of `nncore.Sequential`."""

    # ---- one step, part by part ---------------------------------------------------------------------------------------------

    @reads
    def forward(self, X: Any, training: bool = False) -> np.ndarray:
        """Run the forward pass of a batch; with ``training=True``, `backward` can follow.

        ``training=True`` also applies dropout and batch statistics as `fit` does. Every such call draws new dropout masks; the first one
        after a step draws those of `train_on_batch`. `n_passes` counts these calls.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`, or a sparse matrix as in `fit`. After a sparse X there is no `d_input`.
        training : bool, default False
            False computes the same as `predict`.

        Returns
        -------
        ndarray of shape (n_samples, ...)
            Outputs of the last layer, of `output_shape`. With ``training=True`` and `nncore.MeanMembers` as the last layer, its inputs.
        """
        return self._forward(X, input_gradient=self._known.is_differentiable) if flag("training", training) else self.predict(X)

    @steps
    def _forward(self, X: Any, *, input_gradient: bool) -> np.ndarray:
        """A forward pass of training. `input_gradient` lets `backward` compute `d_input`, which costs one more matrix product."""
        inputs = self._batch(X)
        n, is_sparse = len(inputs), isinstance(inputs, SparseRows)
        steps = IN_PARTS if input_gradient and not is_sparse else WHOLE._replace(sparse_inputs=is_sparse)
        program, n_passes = self._program_for(n, steps), self.n_passes
        program.number_of_pass = n_passes
        self._programs.parts.end(has_stepped=self._programs.parts.has_stepped)
        with self._running(program):
            program.forward(inputs, True, threads_for(None, program.spec.forward_seconds(n), WORTH_WAKING))
        self._programs.parts.begin(n, inputs)
        self._passes = program.step, n_passes + 1
        output, shape = program.spec.output[:n].copy(), self._built.training_shape
        return output if len(shape) == 1 else output.reshape(n, *shape)

    def _running(self, program: Program[ProgramSpec]) -> AbstractContextManager[None]:
        """For a part of a step: explain failures, and use the trained parameters where an optimizer predicts with others."""
        return self._running_under_way(program) if self._known.has_evaluation else Explained(program)

    @contextmanager
    def _running_under_way(self, program: Program[ProgramSpec]) -> Iterator[None]:
        with self._under_way(), Explained(program):
            yield

    def _batch(self, X: Any) -> np.ndarray | SparseRows:
        """Samples to train on, in a matrix."""
        known = self._known
        inputs = as_inputs(X, "X", known.input_shape, known.dtype, self._built)
        if len(inputs) == 0:
            raise ShapeError("X has no samples")
        return inputs

    @steps
    def backward(self, y: Any = None, sample_weight: Any = None, *, d_output: Any = None) -> float:
        """Compute the gradients of the loss for the last ``forward(X, training=True)``, into `gradients` and `d_input`.

        Give the targets `y`, or `d_output` for a loss of your own: a second network (GANs), a policy gradient, a physical model.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets, as in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the samples in the loss.
        d_output : array-like of the shape that `forward` returned, optional
            ∂E/∂output of the quantity E to minimise. It is used as it is, neither averaged nor weighted.

        Returns
        -------
        float
            Mean loss of the batch with the penalties of `weight_decay` and regularizers. With `d_output`, the penalties alone.

        Notes
        -----
        These are first derivatives. A loss of derivatives (a gradient penalty) needs second ones, which nncore does not compute.
        """
        if (y is None) == (d_output is None):
            raise ParameterError("backward takes either y or d_output: pass one of the two")
        if d_output is not None and sample_weight is not None:
            raise ParameterError("backward takes d_output as it is: multiply it by the sample weights instead of passing sample_weight")
        if y is not None:
            self._needs("loss")
        program, parts, known = self._programs.training, self._programs.parts, self._known
        inputs, n = parts.inputs, parts.n_rows
        if program is None or inputs is None or n == 0:
            raise NotBuiltError("backward needs a forward pass: call forward(X, training=True) first")
        spec, value = program.spec, 0.0
        if y is None:
            spec_d_output, given = spec.d_output, as_samples(d_output, "d_output", self._built.training_shape, self.dtype)
            assert spec_d_output is not None, "a training program has a way back"
            if len(given) != n:
                raise ShapeError(f"d_output has {len(given)} samples, the last forward had {n}")
            spec_d_output[:n] = as_matrix(given, self.dtype)
        else:
            self._set_targets(program, known.targets.checked(y, known.dtype), sample_weight, n)
        with self._running(program):
            if y is not None:
                value = program.loss_value(n, True)
            value += program.backward(inputs, threads_for(None, program.spec.step_seconds(n), WORTH_WAKING))
        parts.has_gradients, parts.has_stepped = True, False
        parts.d_input = None if spec.d_input is None else spec.d_input[:n].reshape(n, *known.input_shape)
        return value

    @staticmethod
    def _set_targets(program: Program[ProgramSpec], targets: Targets, sample_weight: Any, n: int) -> None:
        """Targets and weights of a batch of `n` samples into the program's buffers."""
        spec = program.spec
        if len(targets) != n:
            raise ShapeError(f"y has {len(targets)} samples, the last forward had {n}")
        weights = as_weights(sample_weight, n)
        program.use_labels = targets.labels is not None
        (spec.target if targets.labels is None else spec.labels)[:n] = targets.values
        spec.weight[:n] = 1 / n if weights is None else _normalised(weights)

    @property
    def d_input(self) -> np.ndarray:
        """∂E/∂X of the last `backward`, shape (n_samples, ...); the next `forward` discards it.

        E is the mean loss of the batch, or the quantity whose gradient `d_output` was. The mean divides each sample's part by the number
        of samples.
        """
        if (d_input := self._programs.parts.d_input) is None:
            if isinstance(self._programs.parts.inputs, SparseRows):
                raise NotBuiltError("backward leaves no d_input of a sparse X: pass forward X.toarray(), or call input_gradients(X, y=y)")
            if self.is_built:
                check_differentiable(self._built)
            raise NotBuiltError("there is no d_input yet: call forward(X, training=True) and backward(y) first")
        return d_input

    @steps
    def step(self) -> None:
        """Update the parameters with the gradients of the last `backward`.

        Raises
        ------
        ParameterError
            If the optimizer computes a second gradient in each step, as `nncore.SAM` does. It needs X and y again: call `train_on_batch`.
        """
        self._needs("optimizer")
        if (optimizer := self._known.of_two_passes) is not None:
            raise ParameterError(f"a step of {optimizer!r} computes gradients twice, which needs X and y: call train_on_batch(X, y) or fit")
        program, parts = self._programs.training, self._programs.parts
        if program is None or not parts.has_gradients:
            raise NotBuiltError("step needs gradients: call forward(X, training=True) and backward(y) first")
        with self._running(program):
            program.update(threads_for(None, program.spec.step_seconds(0), WORTH_WAKING))
        parts.has_gradients, parts.n_rows = False, 0

    @steps
    def train_on_batch(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Train on one batch: one step, as in `fit`.

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
        inputs, known = self._batch(X), self._known
        n = len(inputs)
        targets, weights = known.targets.checked(y, known.dtype), as_weights(sample_weight, n)
        if len(targets) != n:
            raise ShapeError(f"y has {len(targets)} samples, X has {n}")
        program = self._program_for(n, WHOLE._replace(sparse_inputs=isinstance(inputs, SparseRows)))
        self._programs.parts.end(has_stepped=True)
        progress = [0, 0.0, 0.0]
        with self._running(program):
            n_threads = threads_for(None, program.spec.step_seconds(n), WORTH_WAKING)
            program.train(inputs, targets.reals, targets.labels, weights, None, [], n, 1, False, math.inf, progress, n_threads)
        return progress[1] / progress[2]

    # ---- using --------------------------------------------------------------------------------------------------------------

    @reads
    def predict(self, X: Any) -> np.ndarray:
        """Compute the outputs of the last layer: predictions, or logits for a loss from logits (see `predict_proba`).

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), or a stream
            Samples of shape `input_shape`, or a sparse matrix as in `Sequential.fit`. A stream is read in blocks: a path, a dataset or
            scanner of pyarrow whose columns are all features, an iterator of batches, or a function that returns one. Of a batch
            ``(X, y)``, y is ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype of the network
            Outputs of the last layer.
        """
        known = self._known
        ready = ready_rows(X, known.input_shape, known.dtype)
        if ready is None and (stream := inputs_stream(X)) is not None:
            return predict_stream(self, stream)
        samples: Samples = ready if ready is not None else for_network(as_rows(X, "X", known.input_shape), self._built, "X")
        is_sparse = isinstance(samples, SparseSamples)
        if is_sparse or samples.dtype != known.dtype:  # after conversion, a number that is too large is infinite
            check_finite(samples, "X", known.dtype, known.accepts_nan)
        inputs = for_core(samples, known.dtype) if ready is None or ready.ndim != 2 else ready
        n = len(inputs)
        prepared = self._programs.sparse_prediction if is_sparse else self._programs.prediction
        program = prepared or self.program_for_prediction(sparse_inputs=is_sparse)
        outputs = np.empty((n, *known.output_shape), known.dtype)
        rows = outputs if outputs.ndim == 2 else outputs.reshape(n, known.n_outputs)
        with Explained(program):
            try:
                seconds = program.spec.forward_seconds(n)
                n_at_once = math.ceil(n * SLICE_SECONDS / seconds) if seconds > SLICE_SECONDS else 0
                program.predict(inputs, rows, threads_for(None, seconds, WORTH_WAKING), n_at_once)
            except Failure as failure:
                if failure.status == INPUT_NOT_FINITE:
                    check_finite(samples, "X", known.dtype, known.accepts_nan)
                raise
        if known.accepts_nan and isinstance(inputs, np.ndarray):
            check_replaced(inputs, rows)
        return outputs

    def predict_one(self, x: Any) -> np.ndarray:
        """Compute the outputs for one sample of shape `input_shape`.

        The fastest way to one prediction: under a microsecond for a small network and an ndarray of its dtype.

        Parameters
        ----------
        x : array-like of shape `input_shape`
            The sample.

        Returns
        -------
        ndarray of shape (n_outputs,)
            The row that `predict` returns for it.
        """
        program = self._programs.prediction
        if program is not None:
            output = program.predict_one(x)
            if output is not None:
                return output
        return self.predict(as_numbers(x, "x", holes=True)[None])[0]

    @reads
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict on the scale of the targets: probabilities for losses from logits, rates for ``poisson``.

        This is `predict` followed by the link of the loss, if it has one: softmax, sigmoid or exp.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The predictions.
        """
        return linked(self, self.predict(X))

    def predict_proba_one(self, x: Any) -> np.ndarray:
        """Predict one sample of shape `input_shape` on the scale of the targets.

        As fast as `predict_one`.

        Parameters
        ----------
        x : array-like of shape `input_shape`
            The sample.

        Returns
        -------
        ndarray of shape (n_outputs,)
            The row that `predict_proba` returns for it.
        """
        program = self._programs.prediction
        if program is not None:
            output = program.predict_one(x, self.program_for_link())
            if output is not None:
                return output
        return self.predict_proba(as_numbers(x, "x", holes=True)[None])[0]

    @reads
    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        metrics: Sequence[MetricLike] | None = None,
        memory_limit: int | str | None = None,
    ) -> dict[str, float]:
        """Compute the mean loss and metrics on test data; the loss is without penalties of `weight_decay` and regularizers.

        Parameters
        ----------
        X, y : array-like
            Samples and targets, as in `fit`, or a stream.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the samples in the means.
        metrics : sequence of str, Metric or function, optional
            What to score by. None uses the metrics of the loss. On a stream, metrics that are not means over samples (ranks, R²) collect
            all predictions and targets in memory.
        memory_limit : int or str, optional
            As in `fit`.

        Returns
        -------
        dict of str to float
            ``{"loss": ..., "accuracy": ...}``.
        """
        loss = self._needs("loss")
        known = self._known
        own = known.default_metrics if metrics is None else None
        scored = metrics_for(loss, metrics) if own is None else own.metrics()
        ready = ready_rows(X, known.input_shape, known.dtype, known.accepts_nan) if memory_limit is None else None
        if ready is None and (stream := as_stream(X, y, sample_weight, streams_arrays=memory_limit is not None)) is not None:
            return evaluate_stream(self, StreamSource(stream, StreamMemory.by(memory_limit, None)), scored)
        samples: Samples = ready if ready is not None else for_network(as_rows(X, "X", known.input_shape), self._built, "X")
        data = Dataset.checked(samples, y, sample_weight, known.targets, known.dtype, known.accepts_nan, is_ready=ready is not None)
        return drive(Evaluation(self, data, scored, scorings=None if own is None else own.scorings).turns())

    @steps
    def calibrate(self, X: Any, y: Any, *, sample_weight: Any = None) -> float:
        """Calibrate the probabilities by temperature scaling on held-out samples.

        Trained classifiers are often overconfident. Temperature scaling divides the logits by the number T that minimises the
        cross-entropy on `X`. Predicted classes stay the same. The weights and biases of the last layer are divided, so predictions cost
        nothing more, and files and exports hold the calibrated network.

        Parameters
        ----------
        X, y : array-like
            A hundred or more samples that the network was not trained on. The validation data of early stopping will do.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the samples.

        Returns
        -------
        float
            The temperature T, from 0.01 to 100: above 1 if the network was overconfident.

        Raises
        ------
        ParameterError
            If the loss does not take logits of classes, or the network's outputs are not proportional to the parameters of its last layer.

        Notes
        -----
        Targets are smoothed by 1/(n + 1) for n samples, which keeps T away from 0 if the network makes no error on them. A later fit starts
        from the divided parameters.

        References
        ----------
        Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", 2017.

        Examples
        --------
        >>> import numpy as np, nncore as nn
        >>> rng = np.random.default_rng(0)
        >>> X, y = rng.normal(size=(200, 2)), rng.integers(2, size=200)
        >>> net = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(2))
        >>> history = net.fit(X[:50], y[:50], loss="softmax_cross_entropy", optimizer=nn.Adam(0.01), epochs=100, rng=0)
        >>> net.calibrate(X[50:], y[50:]) > 1
        True
        """
        return calibrate(self, lambda: self.predict(X), y, sample_weight)

    @reads
    def quantize(self, X_calibration: Any, *, percentile: float | None = None, skip: Iterable[str] | None = None) -> Self:
        """Quantize the network to int8 for prediction: faster, and a quarter of the size in memory and files.

        `Dense` layers, also inside other layers, become `QuantizedDense`, unless they are small. Weights are int8 with a scale for each
        unit. Inputs are rounded to 256 steps over their range on `X_calibration`. Other layers, biases and activations are copied. The
        `summary` of the copy names the layers that stay in float. This network is not changed. The copy cannot be trained; it is saved,
        loaded and exported like any other.

        Parameters
        ----------
        X_calibration : array-like of shape (n_samples, ...)
            A few hundred samples like those to be predicted: the training data will do. Targets are not needed. In prediction, inputs of a
            layer outside the range seen here are clipped to it.
        percentile : float, optional
            Percentage of a layer's inputs that its range covers, on each side of 0 and without zeros. Less than 100 clips outliers, which
            would make the steps of all other inputs coarser. 100 covers the smallest and the largest input; so does any number if there are
            too few inputs for outliers. None chooses for each layer among 100, 99.99, 99.9, 99.5 and 99. It takes the one that
            changes the outputs of the network least, in squares, on at most 512 of the samples.
        skip : iterable of str, optional
            Names of layers to leave in float, such as ``["dense_3"]``. None leaves those with fewer than 32 inputs or outputs, which are
            not faster in int8. ``()`` quantizes all.

        Returns
        -------
        Sequential
            A quantized copy with the loss, the metadata and the encoding of this network.

        Raises
        ------
        NotBuiltError
            If the network has no weights yet.
        ParameterError
            If the network has no `Dense` layer to quantize, or weights that are not finite. If `percentile` is not above 50 and at most
            100, or `skip` names an unknown layer.
        ShapeError, DtypeError, DataError
            If `predict` does not take `X_calibration`, or it has no samples.

        Notes
        -----
        Rounding is to nearest, ties to even. It is symmetric for weights, in steps of max |w| / 127, and affine for inputs, in steps of
        (max − min) / 255 of which one is at 0. Sums are exact in int32. With AVX-512 VNNI, products of 8 bits are up to four times as fast
        as those of float32.

        References
        ----------
        Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018.

        Examples
        --------
        >>> import numpy as np, nncore as nn
        >>> X = np.random.default_rng(0).normal(size=(500, 20))
        >>> net = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(64), nn.Dense(3)).build(20, rng=0)
        >>> small = net.quantize(X)
        >>> small.layer_names
        ['dense_1', 'quantized_dense_1', 'dense_2']
        >>> bool(np.abs(small.predict(X) - net.predict(X)).max() < 0.05)
        True
        """
        return quantized(self, X_calibration, percentile, skip)

    # ---- gradients with respect to the inputs -------------------------------------------------------------------------------

    @reads
    def input_gradients(self, X: Any, *, output: Any = None, y: Any = None) -> np.ndarray:
        """Compute the gradient of one output, or of the loss against `y`, with respect to the inputs of each sample.

        Use it for saliency maps, adversarial examples or derivatives of a surrogate model. Dropout is off and running statistics are used,
        as in `predict`. The network, its `gradients` and `d_input` are not changed.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.
        output : int or array-like of int, shape (n_samples,), optional
            Index of the output of `predict`, in flat order: one for all samples, or one for each. A network with one output needs none.
        y : array-like, optional
            Targets as in `fit`: compute the gradient of each sample's own loss, neither averaged nor weighted.

        Returns
        -------
        ndarray of shape (n_samples, ...), dtype of the network
            ∂/∂X, shaped like X.

        Raises
        ------
        NotTrainableError
            If an activation has no useful derivative (step, sign).

        Examples
        --------
        >>> import numpy as np, nncore as nn
        >>> net = nn.Sequential(nn.Dense(1)).build(2, rng=0)
        >>> weight = net.named_parameters()["dense_1.weight"]
        >>> np.allclose(net.input_gradients(np.zeros((3, 2))), weight.T)
        True
        """
        return input_gradients(self, X, output, y)

    @reads
    def jacobian(self, X: Any) -> np.ndarray:
        """Compute the gradient of every output with respect to the inputs of each sample; see `input_gradients`.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of shape `input_shape`.

        Returns
        -------
        ndarray of shape (n_samples, ..., ...)
            The dimensions of an output, then those of an input: ``J[i, k, j]`` is ∂output k/∂input j of sample i.
        """
        return jacobian(self, X)

    # ---- showing and keeping ------------------------------------------------------------------------------------------------

    @reads
    def summary(self) -> str:
        """Show layers, shapes and numbers of parameters as a table.

        Returns
        -------
        str
            Several lines, to be printed. As the last line of a notebook's cell it is an HTML table.
        """
        return summary(self)

    @reads
    def describe(self) -> dict[str, Any]:
        """Describe the network for programs: components, arguments, sizes, and whether each part runs compiled or in NumPy.

        Returns
        -------
        dict
            Numbers, strings, lists and dicts, as JSON can hold them.
        """
        return describe(self)

    @writes_down
    def save(self, path: FileLike) -> None:
        """Save the network to a file, which `nncore.load` reads: safetensors with a JSON description and a checksum, no pickle.

        Parameters
        ----------
        path : str, path-like or binary file object
            For example ``"digits.nncore"``. An existing file is replaced once the new one is complete. A file object, such as
            `io.BytesIO`, is written to from its current position, and not closed.
        """
        save(self, path)

    @writes_down
    def check_save(self, path: FileLike) -> None:
        """Raise the errors that `save` would raise, without writing: check before hours of training.

        Parameters
        ----------
        path : str, path-like or binary file object
            As in `save`.
        """
        check_save(self, path)

    @writes_down
    def export(self, path: FileLike) -> None:
        """Export the prediction to ONNX, C or NumPy code: a file that does not need nncore.

        The file has `predict`, and `predict_proba` if the loss has a link. It takes the same samples, in the dtype of the network.

        Parameters
        ----------
        path : str, path-like or binary file object
            The suffix chooses the format: ``".py"`` is a module that needs only NumPy, ``".onnx"`` a model for ONNX runtimes (extra
            ``onnx``), and ``".h"`` a C99 header that needs no library. Plugins may add others. An existing file is replaced once the new
            one is complete.

        Raises
        ------
        NoFormulaError
            If a component cannot be exported; the message names it.
        ParameterError
            If no exporter claims the suffix.
        ExportError
            If the target cannot hold the model.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(3, activation="tanh"), nn.Dense(1)).build(2, rng=0)
        >>> net.export("net.py")  # doctest: +SKIP
        """
        export(self, path)

    @reads
    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(layer) for layer in self.layers)})"

    @reads
    def _repr_html_(self) -> str:
        return html(self)


def _normalised(weights: np.ndarray) -> np.ndarray:
    """Row weights that sum to 1, computed as the core does it in `fit`."""
    total = float(np.cumsum(weights)[-1])  # term after term; np.sum adds in pairs and may round otherwise
    return weights * (1 / total)
