"""Losses: what a network is trained to make small."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.domain import DISTRIBUTION, need_of
from nncore.contract.formula import Graph, Value
from nncore.contract.kernel import Kernel


class Loss(Configurable):
    """E, per sample. The host averages over the batch (weighted by ``sample_weight``); the loss does not.

    Attributes
    ----------
    targets : {"real", "labels", "both"}
        What `target` may be: ``(n_rows, n_targets)`` reals, ``(n_rows,)`` int64 class indices, or either.
    target_range : str or None
        Interval in which real targets must lie, ``"[0, 1]"``.
    output_domain : {"real", "logits", "signed", "positive", "probabilities", "distribution"}
        What the network's outputs must be: any numbers; any real numbers, bounded nowhere (logits, log-rates); numbers of both signs;
        numbers above 0; numbers in [0, 1]; rows of probabilities that sum to 1. A network that is known to end otherwise (`Plan`,
        `Activation.output_domain`) is not trained. A loss with a `link` takes logits unless it says otherwise.
    link : str, dict or None
        Activation that turns outputs into predictions on the scale of the targets: probabilities (``"softmax"``, ``"sigmoid"``), rates
        (``"exp"``). ``predict_proba`` applies it, and metrics see what it gives. A dict is ``{"name": ..., **arguments}``.
    metrics : tuple of str or dict
        Metrics shown beside this loss when the user asks for none.
    judge : str, dict or None
        The metric that rates networks trained with this loss where nobody says which: in ``score``, early stopping and the choice of the
        best epoch. The best constant predictions by it must be those by the loss: R² for squared errors, D² for others. None is the
        loss itself, a smaller one being better.
    decides_probabilities : bool
        Whether `decide` gives the probability of each class, ``(n_rows, n_classes)``, of outputs that are something else, such as
        cumulative logits.
    needs_batch : bool
        Whether a row's loss depends on other rows (ranking, contrastive and survival losses). Such a loss is called once with all rows of
        a batch, and for a score once with all samples; `forward` and `backward` are given the weights of the rows too, which sum to 1.
    training_only : mapping of str to value
        Arguments that only training uses, such as ``label_smoothing``, and what they are when a network is scored: `for_evaluation`.
    kernel : Kernel or None
        The same in C: ``nnc_loss`` of ``nncore/plugin.h``.
    """

    targets: str = "real"
    target_range: str | None = None
    output_domain: str = "real"
    link: str | dict[str, Any] | None = None
    metrics: tuple[str | dict[str, Any], ...] = ()
    judge: str | dict[str, Any] | None = None
    decides_probabilities: bool = False
    needs_batch: bool = False
    training_only: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    kernel: ClassVar[Kernel | None] = None

    # ---- outputs ------------------------------------------------------------------------------------------------------------

    def output_domain_for(self, n_outputs: int) -> str:
        """`output_domain` for a network with `n_outputs` outputs, if it depends on them."""
        return "logits" if self.output_domain == "real" and self.link is not None else self.output_domain

    def n_outputs(self, n_classes: int) -> int:
        """Outputs of a network that tells `n_classes` classes apart: one for each, or a single yes/no output for two of them."""
        return 1 if n_classes <= 2 and self.has_yes_no_outputs and self.targets != "labels" else n_classes

    def n_labels(self, n_outputs: int) -> int:
        """Classes that `n_outputs` outputs tell apart, by `n_outputs` turned round: class indices are below it."""
        if type(self).n_outputs is Loss.n_outputs:
            return n_outputs
        return next((n for n in range(2 * n_outputs + 1, 0, -1) if self.n_outputs(n) == n_outputs), n_outputs)

    def decide(self, output: np.ndarray) -> np.ndarray:
        """The predictions that outputs stand for.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            After the link, as ``predict_proba`` gives it.

        Returns
        -------
        ndarray
            Class indices ``(n_rows,)``, as here the largest output of a loss of class indices. Or values ``(n_rows, n_values)`` on the
            scale of real targets, as here the outputs of any other loss. A classifier gives such a loss 0 and 1 as targets, and reads
            them back: a single value above ½ is the second class, and of several values the largest wins. Or the probabilities of the
            classes of a loss of class indices, which are read in the same way.
        """
        if self.has_yes_no_outputs or self.targets_for(output.shape[1]) == "real":
            return output
        return output.argmax(axis=1)

    def deviation(self, output: np.ndarray) -> np.ndarray | None:
        """Standard deviations of the distributions that outputs stand for, in the shape of what `decide` gives, which are their means.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            After the link.

        Returns
        -------
        ndarray or None
            Here None: outputs stand for values alone. A loss that overrides this overrides `of_moments` too. Then estimators offer
            ``predict(return_std=True)``, and of several networks they predict the mean and the deviation of the mixture.
        """
        return None

    def of_moments(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Outputs, after the link, that stand for such means and deviations: `decide` and `deviation` turned round."""
        raise NotImplementedError(f"{type(self).__name__}.of_moments")

    @property
    def has_own_decision(self) -> bool:
        """Whether `decide` is another than that of all losses, so that predictions are not simply the outputs, or the largest of them."""
        return type(self).decide is not Loss.decide

    def probabilities(self, output: np.ndarray) -> np.ndarray:
        """Probabilities that outputs, after the link, stand for: themselves, or what is decided (`decides_probabilities`)."""
        return self.decide(output) if self.decides_probabilities else output

    @property
    def has_deviations(self) -> bool:
        """Whether outputs stand for distributions: `deviation` is there."""
        return type(self).deviation is not Loss.deviation

    def for_any_unit(self) -> Self:
        """The loss of outputs and targets in another unit than that of training: this one without what is given in that unit.

        Estimators train on scaled targets, and score in the units of the user. Here the loss itself.
        """
        return self

    def formula(self, g: Graph, output: Value) -> Value:
        """`decide` written with the primitives of `g`, for programs that predict without nncore.

        Only a loss that overrides `decide` with one that gives values needs it. The largest output of a class is looked for by the host.

        Parameters
        ----------
        g : Graph
        output : Value of shape (n, n_outputs)
            After the link.

        Returns
        -------
        Value of shape (n, n_values)
            Here `output` itself.
        """
        return output

    @property
    def has_yes_no_outputs(self) -> bool:
        """Whether each output, after the link, is a probability by itself."""
        return self.link == "sigmoid" or self.output_domain == "probabilities"

    @property
    def has_probabilities(self) -> bool:
        """Whether the outputs of a classifier, after the link, are probabilities of its classes."""
        if self.decides_probabilities:
            return True
        one_for_each = self.n_outputs(3) == 3
        return one_for_each and (self.has_yes_no_outputs or self.link == "softmax" or self.output_domain == DISTRIBUTION)

    # ---- scoring ------------------------------------------------------------------------------------------------------------

    def for_evaluation(self) -> Self:
        """The loss by which networks are scored: this one without what is there for training only.

        Validation losses, ``evaluate`` and gradients with respect to inputs use it.

        Returns
        -------
        Loss
            This one, if `training_only` changes nothing.
        """
        changes = {name: value for name, value in self.training_only.items() if getattr(self, name) != value}
        return type(self)(**self.config() | changes) if changes else self

    # ---- targets ------------------------------------------------------------------------------------------------------------

    def n_targets(self, n_outputs: int) -> int:
        """Columns of a real-valued target for a network with `n_outputs` outputs. Raises `ShapeError` if it cannot have so many."""
        return n_outputs

    def targets_for(self, n_outputs: int) -> str:
        """`targets` for a network with `n_outputs` outputs, if it depends on them."""
        return self.targets

    def check_targets(self, target: np.ndarray, name: str) -> None:
        """Raise `DataError` if the loss cannot be computed for real targets ``(n_samples, n_targets)``; messages call them `name`.

        They are finite numbers in `target_range`.
        """

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray | None:
        """Real targets ``(n_rows, n_targets)`` to test the loss with, if it does not take just any numbers in `target_range`."""
        return None

    # ---- value and gradient -------------------------------------------------------------------------------------------------

    if TYPE_CHECKING:  # a loss with `needs_batch` has one argument more: to a type checker, a base method of any arguments

        def forward(self, *args: Any, **kwargs: Any) -> np.ndarray: ...
        def backward(self, *args: Any, **kwargs: Any) -> np.ndarray: ...

    else:

        def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            """Loss of every sample, shape ``(n_rows,)``, summed over its outputs.

            With `needs_batch` it is ``forward(output, target, weight)``. `weight`, shape ``(n_rows,)``, is each row's share of the
            batch: the shares sum to 1. The loss of the batch is Σᵢ weightᵢ Eᵢ, and each Eᵢ may depend on all rows and weights. A row
            of weight 0 must not count. A loss that is one number for the batch returns that number for every row.
            """
            raise NotImplementedError(f"{type(self).__name__}.forward")

        def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            """Gradient of every sample's loss with respect to its outputs, shape ``(n_rows, n_outputs)``.

            With `needs_batch` it is ``backward(output, target, weight)``: the gradient of Σᵢ weightᵢ Eᵢ, weights included.
            """
            raise NotImplementedError(f"{type(self).__name__}.backward")


def activation_for(loss: Loss, n_outputs: int) -> str | None:
    """The activation with which a network for `loss` ends, by name; None if it needs none."""
    return need_of(loss.output_domain_for(n_outputs), loss).activation


def class_indices(decided: np.ndarray) -> np.ndarray:
    """Class indices (n_rows,) from what `Loss.decide` gives, in the place of 0 and 1 for each class or for the second of two."""
    if decided.ndim == 1:
        return decided.astype(np.int64, copy=False)
    return (decided[:, 0] > 0.5).astype(np.int64) if decided.shape[1] == 1 else decided.argmax(axis=1)
