"""Scale real targets for networks, and convert predictions to the user's units."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import EncodingChain

#: `Loss.target_range` of counts and rates, which may be scaled but not shifted.
NOT_NEGATIVE = "[0, inf)"
#: The encoding of such targets.
_OF_RATES = "unit_mean"
#: All encodings of targets.
_ENCODINGS = ("clamp", "standard", _OF_RATES)


@dataclass(frozen=True)
class TargetScale:
    """Scaling of targets, fitted to training rows.

    Attributes
    ----------
    chain : EncodingChain
        Scales to mean 0 and standard deviation 1, or to mean 1 if the loss takes no targets below 0.
    """

    chain: EncodingChain

    @classmethod
    def fit(
        cls, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, loss: Loss, n_outputs: int, *, clips: bool = False
    ) -> Self | None:
        """Fit a scaling to the targets of training rows and their weights.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : ndarray of shape (n_samples,) or None
        loss : Loss
        n_outputs : int
            Outputs of the network.
        clips : bool, default False
            Clip predictions to the range of the targets. Rates are never clipped.

        Returns
        -------
        TargetScale or None
            None if the loss does not allow scaled targets: their range is bounded, or several targets belong to one output.

        Raises
        ------
        DataError
            If targets are so large that their squares overflow.
        """
        columns = y.reshape(len(y), -1)
        scaling = _scaling(loss, columns.shape[1], n_outputs, clips=clips)
        if scaling is None:
            return None
        return cls(EncodingChain.learn(scaling, columns, sample_weight=sample_weight, label=_label(columns.shape[1])))

    def balanced(self, blocks: Iterable[tuple[np.ndarray, NDArray[np.floating], NDArray[np.float64] | None]]) -> Self:
        """The scale by which predicted rates add up to the targets, with sample weights; this one if a rate is not finite.

        Parameters
        ----------
        blocks : iterable
            Targets, outputs after the link of the loss, shape (n_samples, n_targets), and weights of some samples.
        """
        targets, rates = (EncodingChain.learner([_OF_RATES], self.n_targets, label=_label(self.n_targets)) for _ in range(2))
        for y, outputs, sample_weight in blocks:
            if not np.isfinite(outputs).all():
                return self
            targets.add(y.reshape(len(y), -1), sample_weight)
            rates.add(outputs, sample_weight)
        targets.end_pass()
        rates.end_pass()
        mean: NDArray[np.float64] = targets.learned[0]["mean"] / rates.learned[0]["mean"]
        return replace(self, chain=replace(self.chain, learned=({"mean": mean},))) if np.isfinite(mean).all() else self

    @property
    def n_targets(self) -> int:
        return self.chain.n_columns

    def fits(self, loss: Loss | None) -> bool:
        """Whether predictions of the loss can be converted back; checked for files."""
        chain = self.chain
        can_return = bool(chain.encodings) and all(one.invertible for one in chain.encodings) and chain.n_encoded == chain.n_columns
        return can_return and (self.is_standard or loss is None or not loss.has_deviations)

    @property
    def is_standard(self) -> bool:
        """Whether targets are standardised."""
        return "std" in self.chain.learned[-1]

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations of standardised targets, shape (n_targets,)."""
        std: NDArray[np.float64] = self.chain.learned[-1]["std"]
        return std

    def transform(self, y: NDArray[np.floating]) -> NDArray[np.floating]:
        """Scale targets. The result has the shape of `y`, and its dtype if that is a float."""
        dtype = y.dtype if y.dtype.kind == "f" else np.dtype(np.float64)
        return self.chain.encode(y.reshape(len(y), -1), dtype=dtype).reshape(y.shape)

    def inverse(self, outputs: NDArray[np.floating], loss: Loss | None) -> NDArray[np.floating]:
        """Convert outputs after the link of the loss, shape (n_samples, n_outputs), to the units of the targets; float64."""
        values = outputs.astype(np.float64)
        deviations = None if loss is None else loss.deviation(values)
        if loss is None or deviations is None:
            return self.places(values)
        return loss.of_moments(self.places(loss.decide(values)), deviations * self.std)

    def places(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Convert scaled values of shape (n_samples, n_targets · k), those of a target side by side, to the units of the targets."""
        n_samples, n_values = values.shape
        each = values.reshape(n_samples, self.n_targets, n_values // self.n_targets).swapaxes(1, 2)
        found = self.chain.inverse(each.reshape(-1, self.n_targets))
        return found.reshape(each.shape).swapaxes(1, 2).reshape(n_samples, n_values)


class TargetStatistics:
    """Statistics of targets, from blocks of training rows, for the scaling of any loss.

    All encodings of targets learn from the unchanged targets: `Clamp` changes none. So one pass is enough, before the loss is known.

    Parameters
    ----------
    n_targets : int
    """

    #: What shifts and stretches targets before they are scaled.
    _chain: EncodingChain | None

    def __init__(self, n_targets: int) -> None:
        self._learners = {name: EncodingChain.learner([name], n_targets, label=_label(n_targets)) for name in _ENCODINGS}
        self._n_targets, self._chain = n_targets, None

    @classmethod
    def of(cls, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None) -> Self:
        """The statistics of all targets, of shape (n_samples,) or (n_samples, n_targets), and their weights."""
        found = cls(1 if y.ndim == 1 else y.shape[1])
        found.add(y, sample_weight)
        return found

    def add(self, y: NDArray[np.floating], sample_weight: NDArray[np.floating] | None) -> None:
        """Add targets of the next rows, of shape (n_samples,) or (n_samples, n_targets), and their weights."""
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        for learner in self._learners.values():
            learner.add(y.reshape(len(y), -1), weights)

    def behind(self, chain: EncodingChain) -> Self:
        """These statistics of targets that `chain` has shifted and stretched, from those of the unchanged targets."""
        found = copy(self)
        found._chain = chain
        return found

    def scale(self, loss: Loss, n_outputs: int, *, clips: bool = False) -> TargetScale | None:
        """The fitted scaling, after all rows: see `TargetScale.fit`."""
        scaling = _scaling(loss, self._n_targets, n_outputs, clips=clips)
        if scaling is None:
            return None
        learners = [self._learners[name] for name in scaling]
        for learner in learners:
            if learner.wants_rows:
                learner.end_pass()
        encodings, learned = (tuple(one for learner in learners for one in getattr(learner, of)) for of in ("encodings", "learned"))
        if self._chain is not None:
            learned = tuple({name: _moved(name, numbers, self._chain) for name, numbers in own.items()} for own in learned)
        return TargetScale(EncodingChain(encodings, learned, self._n_targets))


def _moved(name: str, numbers: NDArray[np.float64], chain: EncodingChain) -> NDArray[np.float64]:
    """What an encoding of targets has learned by this name, for targets that a chain has shifted and stretched."""
    moved, origin = chain.encode(np.array([numbers, np.zeros_like(numbers)]))
    found: NDArray[np.float64] = moved - origin if name == "std" else moved  # a width is only stretched
    return found


def _scaling(loss: Loss, n_targets: int, n_outputs: int, *, clips: bool) -> list[str] | None:
    """Encodings of targets; None if the loss does not allow scaled targets."""
    if loss.target_range not in (None, NOT_NEGATIVE) or n_outputs % n_targets:
        return None
    return [_OF_RATES] if loss.target_range == NOT_NEGATIVE else ["clamp", "standard"] if clips else ["standard"]


def _label(n_targets: int) -> Callable[[int], str]:
    return lambda column: "y" if n_targets == 1 else f"column {column} of y"
