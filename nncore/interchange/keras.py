"""Convert Keras models to networks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.errors import NotBuiltError, ParameterError
from nncore.interchange import graph
from nncore.interchange.graph import Node
from nncore.interchange.misfits import NOT_DENSE, OWN_ACTIVATION, Misfits
from nncore.network import Sequential
from nncore.words import explains_calls

#: Keras' names of activations, nncore's names and Keras' arguments.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("relu", {}),
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "softmax": ("softmax", {}),
    "softplus": ("softplus", {}),
    "exponential": ("exp", {}),
    "exp": ("exp", {}),
    "elu": ("elu", {}),
    "celu": ("celu", {}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {}),
    "silu": ("silu", {}),
    "swish": ("silu", {}),
    "mish": ("mish", {}),
    "leaky_relu": ("leaky_relu", {"slope": 0.2}),
    "relu6": ("relu6", {}),
    "hard_sigmoid": ("hard_sigmoid", {}),
    "hard_silu": ("hard_swish", {}),
    "hard_swish": ("hard_swish", {}),
    "hard_tanh": ("hard_tanh", {}),
    "softsign": ("softsign", {}),
    "log_softmax": ("log_softmax", {}),
}
#: Layers that act only in training.
NOTHING = ("Identity", "GaussianDropout", "SpatialDropout1D", "ActivityRegularization")
#: Operations that are activations under another name.
OPERATIONS = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softplus": "softplus", "Exp": "exp", "Selu": "selu", "Silu": "silu",
    "Relu6": "relu6", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_swish", "HardTanh": "hard_tanh", "SoftSign": "softsign",
    "Softsign": "softsign",
}  # fmt: skip
#: Smallest standard deviation that `Normalization` uses.
SMALLEST_DEVIATION = 1e-7

SUBCLASS = (
    "build it of the same layers with the functional interface, or write it with model.export(path, format='onnx') and use nn.from_onnx"
)

Config = Mapping[str, Any]


@explains_calls
def from_keras(model: Any) -> Sequential:
    """Convert a trained Keras model, on any backend, to a network.

    Predictions agree with ``model.predict`` up to rounding. The model is not changed.

    ==================================================  ==========================================
    Keras                                               nncore
    ==================================================  ==========================================
    ``Dense``                                           `Dense`
    ``Activation``, ``ReLU``, ``LeakyReLU``, ...         the activation of that name
    ``PReLU``                                           `PReLU`
    ``BatchNormalization``, ``LayerNormalization``      `BatchNorm`, `LayerNorm`
    ``RMSNormalization``                                `RMSNorm`
    ``Normalization``, ``Rescaling``                    `BatchNorm` with these numbers as statistics
    ``Dropout``, ``AlphaDropout``, ``GaussianNoise``     `Dropout`, `AlphaDropout`, `GaussianNoiseLayer`
    ``Embedding``, ``Flatten``                          the layers of these names
    ``Add``, ``Concatenate``                            `Residual`, `Concat`
    ==================================================  ==========================================

    Parameters
    ----------
    model : keras.Model
        ``Sequential`` or functional, also nested, with one input and one output.

    Returns
    -------
    Sequential
        Built network in the dtype of the weights, without loss and optimizer. ``net.fit`` trains it further.

    Raises
    ------
    ParameterError
        If nncore cannot represent a part of the model. The message names each such part, its place and what to do.
    NotBuiltError
        If the model has no weights yet.

    Notes
    -----
    Everything that affects predictions is converted. Of the settings for training, rates of dropout, noise and the momentum of batch
    normalisation are converted; activity regularisation is not. Shared weights become copies. A network takes the codes for an
    ``Embedding`` as numbers.

    Examples
    --------
    >>> import nncore as nn
    >>> import keras  # doctest: +SKIP
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])  # doctest: +SKIP
    >>> net = nn.from_keras(model)  # doctest: +SKIP
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        is_path = isinstance(model, (str, bytes)) or hasattr(model, "__fspath__")
        remedy = "load it with keras.saving.load_model first" if is_path else "pass a model of Keras 3"
        raise ParameterError(f"from_keras takes a keras.Model, got {shown(model)}: {remedy}")
    if not model.built:
        raise NotBuiltError("from_keras: this model has no weights yet: call model.build((None, n_features)), or predict once")
    misfits = Misfits("from_keras")
    reader = _Reader(keras, misfits)
    start = Node("input")
    output = reader.model("", model, start)
    names = [weight.dtype for weight in model.weights if "float" in str(weight.dtype)]
    dtype = graph.network_dtype([*names, *reader.policies], misfits, "build the model with dtype='float32' and set_weights of this one")
    misfits.check()
    shape = tuple(model.input_shape[1:])
    if None in shape:
        misfits.add("input", f"its shape is {shape}", "give it a shape without None")
    return graph.assembled(output, start, shape, dtype, misfits)


class _Reader:
    """Make nodes from the layers of a model."""

    def __init__(self, keras: Any, misfits: Misfits) -> None:
        self._keras, self._misfits = keras, misfits
        #: Dtypes in which layers compute.
        self.policies: list[str] = []

    def model(self, place: str, model: Any, before: Node) -> Node:
        """Append the layers of a model to `before`. `place` is the name of the enclosing model."""
        kind = type(model)
        if not isinstance(model, (self._keras.Sequential, type(self)._functional(self._keras))) or kind.call not in _calls(self._keras):
            self._misfits.add(f"{place}{model.name!r} ({kind.__name__})", "its call is Python code", SUBCLASS)
            return before
        config = model.get_config()
        if isinstance(model, self._keras.Sequential):
            for entry in config["layers"]:
                before = self._layer(place, model, entry, [before])
            return before
        return self._functional_model(place, model, config, before)

    @staticmethod
    def _functional(keras: Any) -> Any:
        return keras.models.Functional if hasattr(keras.models, "Functional") else keras.src.models.functional.Functional

    def _functional_model(self, place: str, model: Any, config: Config, before: Node) -> Node:
        values: dict[tuple[str, int], Node] = {}
        ends = config["output_layers"]
        begins = [entry["name"] for entry in config["layers"] if entry["class_name"] == "InputLayer"]
        if len(begins) > 1:
            self._misfits.add(f"{place}{model.name!r}", f"it has {len(begins)} inputs", "put all columns into one matrix")
        if not isinstance(ends[0], str):
            if len(ends) > 1:
                self._misfits.add(
                    f"{place}{model.name!r}", f"it has {len(ends)} outputs", "hand over keras.Model(model.input, one of them)"
                )
            ends = ends[0]
        values.update({(name, 0): before for name in begins})
        waiting = [
            (entry, index, node)
            for entry in config["layers"]
            if entry["class_name"] != "InputLayer"
            for index, node in enumerate(entry["inbound_nodes"])
        ]
        while waiting:
            later = []
            for entry, index, node in waiting:
                sources = list(_sources(node["args"]))
                if all(source in values for source in sources):
                    self._check_call(place, entry, node)
                    values[entry["name"], index] = self._layer(place, model, entry, [values[source] for source in sources])
                else:
                    later.append((entry, index, node))
            if len(later) == len(waiting):
                self._misfits.add(f"{place}{model.name!r}", "its layers depend on each other in a circle", SUBCLASS)
                return before
            waiting = later
        return values[ends[0], ends[1]]

    def _check_call(self, place: str, entry: Config, node: Config) -> None:
        where = f"{place}{entry['name']!r} ({entry['class_name']})"
        if node["kwargs"].get("training"):
            self._misfits.add(where, "it is called with training=True", "build the model without it")
        if any(not _is_tensor(value) for value in _flat(node["args"])):
            self._misfits.add(where, "it computes with a constant", "use a Rescaling layer, or change the data")

    def _layer(self, place: str, model: Any, entry: Config, before: list[Node]) -> Node:
        name, kind, config = entry["config"].get("name", entry.get("name")), entry["class_name"], entry["config"]
        if kind == "InputLayer":
            return before[0]
        where = f"{place}{name!r} ({kind})"
        try:
            layer = model.get_layer(name)
        except ValueError:  # an operation, not a layer
            layer = None
        if isinstance(layer, self._keras.Model):
            return self.model(f"{place}{name}/", layer, before[0])
        if not str(entry["module"]).startswith("keras"):
            self._misfits.add(where, "it is a layer of its own", NOT_DENSE)
            return before[0]
        if layer is not None:
            self.policies.append(str(layer.compute_dtype))
        if kind == "Add":
            return Node(where, tuple(before), merge="sum")
        if kind == "Concatenate":
            if config["axis"] not in (-1, 1):
                self._misfits.add(where, f"its axis is {config['axis']}, not that of the features", "use axis=-1")
            return Node(where, tuple(before), merge="concat")
        if kind in NOTHING:
            return graph.same(where, before[0])
        if kind in OPERATIONS:
            return graph.activation(where, before[0], OPERATIONS[kind])
        convert: Callable[[str, Any, Config, Node], Node] | None = getattr(self, f"_{kind}", None)
        if convert is None:
            self._misfits.add(where, "nncore has nothing like it", NOT_DENSE)
            return graph.same(where, before[0])
        return convert(where, layer, config, before[0])

    # ---- layers, by the names of their classes ------------------------------------------------------------------------------

    def _Dense(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        weights = self._weights(layer)
        if len(weights) != 1 + config["use_bias"]:
            self._misfits.add(place, "it is quantized or has low-rank updates", "merge them into its kernel first")
            return graph.same(place, before)
        node = graph.dense(place, before, weights[0], weights[1] if config["use_bias"] else None)
        return self._activated(place, config["activation"], node)

    def _Activation(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return self._activated(place, config["activation"], before)

    def _activated(self, place: str, activation: Any, before: Node) -> Node:
        """Append an activation to `before`, given by name or as a layer."""
        if activation is None or activation == "linear":
            return before
        if isinstance(activation, str) and activation in ACTIVATIONS:
            name, arguments = ACTIVATIONS[activation]
            return graph.activation(place, before, name, **arguments)
        if isinstance(activation, Mapping) and str(activation.get("module", "")).startswith("keras"):
            convert = getattr(self, f"_{activation['class_name']}", None)
            if convert is not None and activation["class_name"] in ("ReLU", "LeakyReLU", "ELU", "Softmax"):
                node: Node = convert(place, None, activation["config"], before)
                return node
        shown_name = activation.get("config") if isinstance(activation, Mapping) else activation
        self._misfits.add(place, f"nncore has no activation like {shown_name!r}", OWN_ACTIVATION)
        return before

    def _ReLU(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        most, slope = config.get("max_value"), config.get("negative_slope")
        if config.get("threshold") or (slope and most is not None):
            self._misfits.add(place, "it has a threshold, or a slope beside a max_value", OWN_ACTIVATION)
        if most is not None:
            return graph.clip(place, before, 0.0, float(most))
        if slope:
            return graph.activation(place, before, "leaky_relu", slope=float(slope))
        return graph.activation(place, before, "relu")

    def _LeakyReLU(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.activation(place, before, "leaky_relu", slope=float(config["negative_slope"]))

    _LeakyRelu = _LeakyReLU

    def _ELU(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.activation(place, before, "elu", alpha=float(config["alpha"]))

    _Elu = _ELU

    def _Gelu(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.activation(place, before, "gelu", approximate="tanh" if config["approximate"] else "none")

    def _Softmax(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        if config["axis"] not in (-1, 1, [-1], [1]):
            self._misfits.add(place, f"its axis is {config['axis']}, not that of the features", "use axis=-1")
        return graph.activation(place, before, "softmax")

    def _PReLU(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.prelu(place, before, self._weights(layer)[0].ravel())

    def _Dropout(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.dropout(place, before, float(config["rate"]))

    def _AlphaDropout(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.alpha_dropout(place, before, float(config["rate"]))

    def _GaussianNoise(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.noise(place, before, float(config["stddev"]))

    def _Flatten(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        return graph.flatten(place, before)

    def _Reshape(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        if len(config["target_shape"]) != 1:
            self._misfits.add(place, "it makes no vectors", "flatten instead")
        return graph.flatten(place, before)

    def _BatchNormalization(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        self._check_axis(place, layer, config["axis"])
        weights = iter(self._weights(layer))
        gamma = next(weights) if config["scale"] else None
        beta = next(weights) if config["center"] else None
        momentum = 1 - float(config["momentum"])
        return graph.batch_norm(
            place, before, next(weights), next(weights), gamma, beta, epsilon=float(config["epsilon"]), momentum=momentum
        )

    def _LayerNormalization(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        self._check_axis(place, layer, config["axis"])
        if config.get("rms_scaling"):
            self._misfits.add(place, "it scales by the root of the mean square", NOT_DENSE)
        weights = iter(self._weights(layer))
        shape = tuple(layer.input.shape[-1:])
        gamma = next(weights) if config["scale"] else np.ones(shape)
        beta = next(weights) if config["center"] else np.zeros(shape)
        return graph.layer_norm(place, before, gamma, beta, epsilon=float(config["epsilon"]))

    def _RMSNormalization(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        self._check_axis(place, layer, config["axis"])
        return graph.rms_norm(place, before, self._weights(layer)[0], epsilon=float(config["epsilon"]))

    def _Normalization(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        if config["invert"]:
            self._misfits.add(place, "it goes the other way, with invert=True", "scale predictions back by hand")
        mean, variance = (np.asarray(self._keras.ops.convert_to_numpy(value), np.float64) for value in (layer.mean, layer.variance))
        mean, deviation = (value.reshape(value.shape[1:]) for value in (mean, np.sqrt(variance)))
        return graph.affine(place, before, mean, 1 / np.maximum(deviation, SMALLEST_DEVIATION), np.zeros(()))

    def _Rescaling(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        scale, offset = (np.asarray(config[name], np.float64) for name in ("scale", "offset"))
        return graph.affine(place, before, np.zeros(()), scale, offset)

    def _Embedding(self, place: str, layer: Any, config: Config, before: Node) -> Node:
        if config.get("mask_zero"):
            self._misfits.add(place, "it hides the code 0 from layers behind it (mask_zero)", "use mask_zero=False")
        return graph.embedding(place, before, self._weights(layer)[0])

    def _weights(self, layer: Any) -> list[np.ndarray]:
        return [self._keras.ops.convert_to_numpy(weight) for weight in layer.weights]

    def _check_axis(self, place: str, layer: Any, axis: Any) -> None:
        axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        if axes not in ([-1], [1]) or len(layer.input.shape) != 2:
            self._misfits.add(
                place, f"it works along axis {axis} of samples of shape {tuple(layer.input.shape[1:])}", "flatten them before"
            )


def _calls(keras: Any) -> list[Any]:
    """Functions of Keras that call a model."""
    return [keras.Sequential.call, _Reader._functional(keras).call]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def _flat(arguments: Sequence[Any]) -> Iterator[Any]:
    for value in arguments:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value


def _sources(arguments: Sequence[Any]) -> Iterator[tuple[str, int]]:
    """Layers whose outputs the arguments are, and the number of the call of each."""
    for value in _flat(arguments):
        if _is_tensor(value):
            name, index, _ = value["config"]["keras_history"]
            yield name, index
