"""Losses: what training minimises."""

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
    """Base class of losses: the loss of each sample. The host averages over the batch, weighted by ``sample_weight``; the loss does not.

    Attributes
    ----------
    targets : {"real", "labels", "both"}
        Type of `target`: ``(n_rows, n_targets)`` real numbers, ``(n_rows,)`` int64 class indices, or either.
    target_range : str or None
        Interval of valid real targets, ``"[0, 1]"``.
    output_domain : {"real", "logits", "signed", "positive", "probabilities", "distribution"}
        Range of outputs that the loss needs. In this order: any numbers; unbounded numbers (logits, log-rates); both signs; above 0; in
        [0, 1]; rows of probabilities that sum to 1. `fit` raises an error if the range of the last layer is known to be
        another one (`Plan`, `Activation.output_domain`). The default with a `link` is logits.
    link : str, dict or None
        Activation that turns outputs into predictions on the scale of the targets: probabilities (``"softmax"``, ``"sigmoid"``), rates
        (``"exp"``). ``predict_proba`` applies it, and metrics score its results. A dict is ``{"name": ..., **arguments}``.
    metrics : tuple of str or dict
        Metrics that are scored if the user asks for none.
    judge : str, dict or None
        Default metric for ``score``, early stopping and the choice of the best epoch. It must have the same best constant prediction as the
        loss: R² for squared errors, D² for others. None is the loss itself, of which smaller values are better.
    predicts_rates : bool
        Whether predictions, after the link, are means of counts or amounts, one for each target, such as those of a Poisson loss.
        Estimators then take an `exposure`, and ensembles scale their predictions to add up to the targets of the training samples.
    decides_probabilities : bool
        Whether `decide` returns the probability of each class, ``(n_rows, n_classes)``, from other outputs, such as cumulative logits.
    needs_batch : bool
        Whether a row's loss depends on other rows (ranking, contrastive and survival losses). Such a loss is called once with all rows of
        a batch, and for a score once with all samples. `forward` and `backward` then also get the weights of the rows, which sum to 1.
    training_only : mapping of str to value
        Arguments that only training uses, such as ``label_smoothing``, and their values for scores: see `for_evaluation`.
    kernel : Kernel or None
        The same in C: ``nnc_loss`` of ``nncore/plugin.h``.
    """

    targets: str = "real"
    target_range: str | None = None
    output_domain: str = "real"
    link: str | dict[str, Any] | None = None
    metrics: tuple[str | dict[str, Any], ...] = ()
    judge: str | dict[str, Any] | None = None
    predicts_rates: bool = False
    decides_probabilities: bool = False
    needs_batch: bool = False
    training_only: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    kernel: ClassVar[Kernel | None] = None

    # ---- outputs ------------------------------------------------------------------------------------------------------------

    def output_domain_for(self, n_outputs: int) -> str:
        """`output_domain` for a network with `n_outputs` outputs, if it depends on them."""
        return "logits" if self.output_domain == "real" and self.link is not None else self.output_domain

    def n_outputs(self, n_classes: int) -> int:
        """Number of outputs of a network for `n_classes` classes: one for each, or a single one for two classes."""
        return 1 if n_classes <= 2 and self.has_yes_no_outputs and self.targets != "labels" else n_classes

    def n_labels(self, n_outputs: int) -> int:
        """Number of classes for `n_outputs` outputs, the inverse of `n_outputs`: class indices are below it."""
        if type(self).n_outputs is Loss.n_outputs:
            return n_outputs
        return next((n for n in range(2 * n_outputs + 1, 0, -1) if self.n_outputs(n) == n_outputs), n_outputs)

    def decide(self, output: np.ndarray) -> np.ndarray:
        """Turn outputs into predictions: classes, values or probabilities.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            Outputs after the link, as ``predict_proba`` returns them.

        Returns
        -------
        ndarray
            One of three:

            - class indices ``(n_rows,)``: by default the largest output, for a loss of class indices;
            - values ``(n_rows, n_values)`` on the scale of real targets: by default the outputs, for other losses. A classifier
              uses targets of 0 and 1: a single value above ½ is the second class, and of several values the largest is the class;
            - probabilities of classes, for a loss of class indices. They are read in the same way.
        """
        if self.has_yes_no_outputs or self.targets_for(output.shape[1]) == "real":
            return output
        return output.argmax(axis=1)

    def deviation(self, output: np.ndarray) -> np.ndarray | None:
        """Compute standard deviations of the predicted distributions, whose means `decide` returns, in the same shape.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            Outputs after the link.

        Returns
        -------
        ndarray or None
            By default None: the loss predicts values without a distribution. A loss that overrides this must override `of_moments` too.
            Estimators then offer ``predict(return_std=True)``. Averages of networks predict the mean and the deviation of the mixture.
        """
        return None

    def of_moments(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Compute outputs, after the link, from means and standard deviations: the inverse of `decide` and `deviation`."""
        raise NotImplementedError(f"{type(self).__name__}.of_moments")

    @property
    def has_own_decision(self) -> bool:
        """Whether the class overrides `decide`, so that predictions are not just the outputs or the largest of them."""
        return type(self).decide is not Loss.decide

    def probabilities(self, output: np.ndarray) -> np.ndarray:
        """Probabilities of outputs after the link: the outputs themselves, or the result of `decide` (`decides_probabilities`)."""
        return self.decide(output) if self.decides_probabilities else output

    @property
    def has_deviations(self) -> bool:
        """Whether the loss predicts distributions: it overrides `deviation`."""
        return type(self).deviation is not Loss.deviation

    def for_any_unit(self) -> Self:
        """Return the loss for outputs and targets in another unit, without arguments that depend on the unit.

        Estimators train on scaled targets, and score in the unit of the user. By default this is the loss itself.
        """
        return self

    def formula(self, g: Graph, output: Value) -> Value:
        """Write `decide` with the primitives of `g`, for exports that predict without nncore.

        Only a loss that overrides `decide` to return values needs it. The host finds the class with the largest output itself.

        Parameters
        ----------
        g : Graph
            Its methods, and the operators of values, are all that a formula may use.
        output : Value of shape (n, n_outputs)
            Outputs after the link.

        Returns
        -------
        Value of shape (n, n_values)
            By default `output` itself.
        """
        return output

    @property
    def has_yes_no_outputs(self) -> bool:
        """Whether each output, after the link, is a separate probability."""
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
        """Return the loss for scores: this one without arguments that only training uses.

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
        """Number of columns of a real-valued target for a network with `n_outputs` outputs. Raises `ShapeError` if there is none."""
        return n_outputs

    def targets_for(self, n_outputs: int) -> str:
        """`targets` for a network with `n_outputs` outputs, if it depends on them."""
        return self.targets

    def check_targets(self, target: np.ndarray, name: str) -> None:
        """Raise `DataError` if the loss cannot be computed for real targets ``(n_samples, n_targets)``, called `name` in messages.

        They are finite numbers in `target_range`.
        """

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray | None:
        """Real targets ``(n_rows, n_targets)`` to test the loss with, if it does not take all numbers in `target_range`."""
        return None

    # ---- value and gradient -------------------------------------------------------------------------------------------------

    if TYPE_CHECKING:  # a loss with `needs_batch` has one argument more: to a type checker, a base method of any arguments

        def forward(self, *args: Any, **kwargs: Any) -> np.ndarray: ...
        def backward(self, *args: Any, **kwargs: Any) -> np.ndarray: ...

    else:

        def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            """Compute the loss of every sample, shape ``(n_rows,)``, summed over its outputs.

            With `needs_batch` it is ``forward(output, target, weight)``. `weight`, shape ``(n_rows,)``, sums to 1. The loss of the batch is
            Σᵢ weightᵢ Eᵢ, and each Eᵢ may depend on all rows and weights. A row of weight 0 must have no influence. A loss that is one
            number for the batch returns that number for every row.
            """
            raise NotImplementedError(f"{type(self).__name__}.forward")

        def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
            """Compute the gradient of every sample's loss with respect to its outputs, shape ``(n_rows, n_outputs)``.

            With `needs_batch` it is ``backward(output, target, weight)``: the gradient of Σᵢ weightᵢ Eᵢ, weights included.
            """
            raise NotImplementedError(f"{type(self).__name__}.backward")


def activation_for(loss: Loss, n_outputs: int) -> str | None:
    """Name of the last activation of a network for `loss`; None if it needs none."""
    return need_of(loss.output_domain_for(n_outputs), loss).activation


def class_indices(decided: np.ndarray) -> np.ndarray:
    """Class indices (n_rows,) from the result of `Loss.decide`: values for each class, or for the second of two."""
    if decided.ndim == 1:
        return decided.astype(np.int64, copy=False)
    return (decided[:, 0] > 0.5).astype(np.int64) if decided.shape[1] == 1 else decided.argmax(axis=1)
