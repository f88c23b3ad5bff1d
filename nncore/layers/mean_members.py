"""Mean of the predictions of an ensemble's members."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import plain, shown
from nncore.errors import ParameterError, ShapeError
from nncore.layers.members import check_members, members
from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Value, class_counts

#: Links whose predictions can be averaged and turned back, and what mean_members.c calls them.
LINKS = {"identity": 0, "softmax": 1, "softmax_heads": 1, "sigmoid": 2, "exp": 3}


class MeanMembers(Layer):
    """Average the predictions of an ensemble's members: (n_members, d) becomes (d,).

    If it is the last layer, each member is trained by its own loss: the loss of a sample is the mean over its members. Otherwise, and in
    every prediction, validation and score, the mean of the members is the output.

    Parameters
    ----------
    link : str, dict or None, default None
        Scale on which to average: the link of the loss, if it has one. ``"softmax"`` for ``softmax_cross_entropy``, ``"sigmoid"`` for
        ``binary_cross_entropy``, ``"exp"`` for ``poisson``, ``{"name": "softmax_heads", "n_classes": [...]}``. Then probabilities or rates
        are averaged. ``"identity"`` averages the outputs themselves, whatever the loss.
    name : str, optional
        Name of the layer, which summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `link` is not one of these, or, when training begins, the loss has another link.
    ShapeError
        When the network is built, if samples have no dimension of members, or `link` is for another number of outputs.

    Notes
    -----
    With a link f, y solves f(y) = mean_j f(x_j). For softmax, y = log mean_j softmax(x_j), whose exp sums to 1. For sigmoid,
    y = log mean_j σ(x_j) − log mean_j σ(−x_j); for exp, y = log mean_j exp(x_j). The largest term is factored out of sums of exponentials,
    so that nothing over- or underflows.

    References
    ----------
    Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025.
    """

    kernel = Kernel("nncore._core.native:layer_mean_members", never_fails=True)
    input_shapes: ClassVar[tuple[tuple[int, ...], ...]] = ((3, 4), (1, 2), (5, 1), (2, 30))
    examples = ({}, {"link": "softmax"})

    def __init__(self, link: str | Mapping[str, Any] | None = None, *, name: str | None = None) -> None:
        self.link = _checked(link)
        self.name = name

    @property
    def _link(self) -> str:
        return "identity" if self.link is None else self.link["name"] if isinstance(self.link, dict) else self.link

    def hyper(self) -> list[float]:
        """The link, and the classes of its softmaxes: none for a single one over all numbers."""
        classes = self.link["n_classes"] if isinstance(self.link, dict) else []
        return [float(LINKS[self._link]), float(len(classes)), *map(float, classes)]

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        check_members("MeanMembers", input_shape)
        k, n = input_shape[0], math.prod(input_shape[1:])
        if isinstance(self.link, dict) and sum(self.link["n_classes"]) != n:
            raise ShapeError(f"MeanMembers: link is for {sum(self.link['n_classes'])} outputs, each member has {n}")
        return Plan(
            input_shape[1:],
            split_rows=True,
            members=k,
            link=self.link,
            work=0 if self._link == "identity" else 2 * k * n + 2 * n,
            output_domain=None if self._link == "identity" else "(-inf, inf)",
            flops=k * n * (1 if self._link == "identity" else 8),
        )

    def forward(self, call: LayerCall) -> None:
        x = members(call.x, call.input_shape[0])
        if self._link == "identity":
            x.mean(axis=1, out=call.y)
        else:
            call.y[...] = _log_mean(self._logarithms(x))
            if self._link == "sigmoid":
                call.y[...] -= _log_mean(_log_sigmoid(-x))

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        k, *output_shape = x.sample_shape
        n = math.prod(output_shape)
        x = g.reshape(x, (k, n))
        if self._link == "identity":
            y = g.sum(_by_output(g, x)) / k
        elif self._link == "sigmoid":
            y = _log_mean_formula(g, -_softplus_formula(g, -x)) - _log_mean_formula(g, -_softplus_formula(g, x))
        elif self._link == "exp":
            y = _log_mean_formula(g, x)
        else:
            parts = [g.columns(x, range(*group)) for group in self._groups(n)]
            shifted = [part - g.max(part) for part in parts]
            y = _log_mean_formula(g, g.concat([part - g.log(g.sum(g.exp(part))) for part in shifted]))
        return g.reshape(y, tuple(output_shape))

    def backward(self, call: LayerCall) -> None:
        if call.d_x is None:
            return
        k = call.input_shape[0]
        x, d_x, d_y = members(call.x, k), members(call.d_x, k), call.d_y[:, None]
        if self._link == "identity":
            d_x[...] = d_y / k
            return
        logarithms = self._logarithms(x)
        d_x[...] = _shares(logarithms) * d_y
        if self._link == "sigmoid":
            others = _log_sigmoid(-x)
            d_x[...] = d_x * np.exp(others) + _shares(others) * d_y * np.exp(logarithms)
        elif LINKS[self._link] == LINKS["softmax"]:
            for begin, end in self._groups(x.shape[2]):
                d_x[..., begin:end] -= np.exp(logarithms[..., begin:end]) * d_x[..., begin:end].sum(axis=2, keepdims=True)

    def _logarithms(self, x: np.ndarray) -> np.ndarray:
        """Outputs of each member after the link, (n_rows, n_members, n)."""
        if self._link == "exp":
            return x
        if self._link == "sigmoid":
            return _log_sigmoid(x)
        found = np.empty_like(x)
        for begin, end in self._groups(x.shape[2]):
            shifted = x[..., begin:end] - x[..., begin:end].max(axis=2, keepdims=True)
            found[..., begin:end] = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
        return found

    def _groups(self, n: int) -> list[tuple[int, int]]:
        """Begin and end of each softmax among the n outputs of a member."""
        classes = self.link["n_classes"] if isinstance(self.link, dict) else [n]
        ends = [0, *itertools.accumulate(classes)]
        return list(itertools.pairwise(ends))


def _checked(link: Any) -> str | dict[str, Any] | None:
    """The stored form of a link: a name, or a dict for one with arguments."""
    parts = dict(link) if isinstance(link, Mapping) else {"name": plain(link)}
    name = parts.pop("name", None)
    if isinstance(name, str) and name == "softmax_heads" and set(parts) == {"n_classes"}:
        return {"name": name, "n_classes": class_counts(parts["n_classes"], "MeanMembers: link")}
    if link is None or (isinstance(name, str) and name in LINKS and name != "softmax_heads" and not parts):
        return name
    raise ParameterError(
        'MeanMembers: link must be None, "identity", "softmax", "sigmoid", "exp" or {"name": "softmax_heads", "n_classes": [...]}, got '
        f'{shown(link)}: with "identity" the outputs are averaged as they are'
    )


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    """log σ(x)."""
    return np.minimum(x, 0) - np.log(1 + np.exp(-np.abs(x)))


def _log_mean(logarithms: np.ndarray) -> np.ndarray:
    """log mean_j exp(l_j), over the members j."""
    largest = logarithms.max(axis=1)
    return largest + np.log(np.exp(logarithms - largest[:, None]).mean(axis=1))


def _shares(logarithms: np.ndarray) -> np.ndarray:
    """exp(l_j) / Σ_i exp(l_i): the gradient of `_log_mean`."""
    e = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _by_output(g: Graph, x: Value) -> Value:
    """(k, n) as (n, k): what all members say of an output, side by side."""
    k, n = x.sample_shape
    return g.reshape(g.columns(g.reshape(x, (k * n,)), [j * n + i for i in range(n) for j in range(k)]), (n, k))


def _log_mean_formula(g: Graph, logarithms: Value) -> Value:
    by_output = _by_output(g, logarithms)
    largest = g.max(by_output)
    return largest + g.log(g.sum(g.exp(by_output - largest)) / logarithms.sample_shape[0])


def _softplus_formula(g: Graph, x: Value) -> Value:
    return g.maximum(x, 0) + g.log(1 + g.exp(-abs(x)))
