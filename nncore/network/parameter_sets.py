"""`ParameterSets`: the parameters of a network, and a second set where predictions use other parameters than training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from nncore._core import all_finite
from nncore.arguments import shown
from nncore.contract import Optimizer
from nncore.errors import NonFiniteError, NotBuiltError, ShapeError
from nncore.network.settings import NOT_BUILT, Settings
from nncore.network.turns import reads, steps
from nncore.program import Grouping, Vectors, aligned_zeros, evaluated
from nncore.words import explains_calls


@explains_calls
class ParameterSets(Settings):
    """The vectors of a network, and which of two sets of parameters is in place: a base of `Network`."""

    _vectors: Vectors | None
    _is_under_way: bool  # `parameters` are those that are trained, though there are others to predict with

    @property
    def _flat(self) -> Vectors:
        if self._vectors is None:
            raise NotBuiltError(NOT_BUILT)
        return self._vectors

    @property
    def parameters(self) -> np.ndarray:
        """All parameters as one live vector of shape (n_parameters,): writing to it changes the network."""
        self._knobs.shown()
        return self._flat.parameters

    @reads
    def copy_parameters(self, out: np.ndarray | None = None) -> np.ndarray:
        """Copy `parameters`. In a callback this is cheaper than the live vector, which the fit has to check for changes afterwards.

        Parameters
        ----------
        out : ndarray of shape (n_parameters,), optional
            Array to copy into, of the dtype of the network. None makes a new one.

        Returns
        -------
        ndarray of shape (n_parameters,)
            `out`, or the new array.

        Raises
        ------
        ShapeError
            If `out` is not such an array.
        """
        parameters = self._flat.parameters
        if out is None:
            return parameters.copy()
        if not isinstance(out, np.ndarray) or out.shape != parameters.shape or out.dtype != parameters.dtype or not out.flags.writeable:
            raise ShapeError(f"out must be a writable ndarray of {parameters.dtype} of shape {parameters.shape}, got {shown(out)}")
        np.copyto(out, parameters)
        return out

    @property
    def trajectory(self) -> np.ndarray | None:
        """The parameters that training updates, as a live vector, if `parameters` are others; else None.

        `parameters` may be an average (`nncore.EMA`, `nncore.SWA`), or those that the optimizer predicts with (`Optimizer.evaluation`). A
        fit continues from `trajectory`, whatever is written to `parameters`.
        """
        self._knobs.shown()
        return self._flat.shadow

    @property
    def average_rest(self) -> np.ndarray | None:
        """Rounding errors of an average over steps, as a live vector like `parameters`; None if there is no such average."""
        return self._flat.average_rest

    @steps
    def begin_average(self, begin: int) -> None:
        """Start to keep two sets of parameters, equal at first. `begin` is the number of steps or epochs before."""
        self._vectors = replace(self._flat, shadow=realigned(self.parameters), average_rest=None)
        self.average_begin = begin

    @steps
    def keep_rest(self, is_over_steps: bool) -> None:
        """Keep the rounding errors of an average over steps, since each step adds little."""
        if is_over_steps != (self._flat.average_rest is not None):
            self._forget_programs()
            parameters = self._flat.parameters
            self._vectors = replace(self._flat, average_rest=aligned_zeros(parameters.size, parameters.dtype) if is_over_steps else None)

    @steps
    def end_average(self) -> None:
        """Keep only `parameters`."""
        if self._flat.shadow is not None:
            self._forget_programs()
            self._vectors = replace(self._flat, shadow=None, average_rest=None)

    def _set_out(self) -> bool:
        """Put the trained parameters into `parameters` before steps. Returns whether there are others, which `_arrive` restores."""
        if self._is_under_way:
            return False
        if self._flat.shadow is None and self.has_evaluation:
            self.begin_average(0)
        if self._flat.shadow is None:
            return False
        self._depart()
        return True

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """During steps, `parameters` are those that are trained. At all other times they are those to predict with."""
        has_set_out = self._set_out()
        try:
            yield
        finally:
            if has_set_out:
                self._arrive()

    @contextmanager
    def _each_in_place(self) -> Iterator[None]:
        """Inside `_under_way`, for a callback that saves the network: each set of parameters is where it belongs."""
        if not self._is_under_way:
            yield
            return
        try:
            self._arrive()
            yield
        finally:
            self._depart()

    @property
    def optimizers(self) -> tuple[Optimizer, ...]:
        """The network's own optimizers: one for each parameter group. Groups that name none use `optimizer`."""
        return () if self.optimizer is None else self._groups.optimizers(self.optimizer)

    @property
    def has_evaluation(self) -> bool:
        """Whether an optimizer predicts with other parameters than those it trains."""
        return any(optimizer.has_evaluation for optimizer in self.optimizers)

    def _depart(self) -> None:
        self._is_under_way = True
        self._swap()

    def _arrive(self) -> None:
        self._is_under_way = False
        self._swap()
        self._evaluate(self._flat)

    def _swap(self) -> None:
        """Exchange the two sets, and with them what is known of each."""
        _swap(self._flat)

    def _evaluate(self, vectors: Vectors) -> None:
        """Ask the optimizer which parameters to predict with. They stay unchanged if its answer is not finite."""
        if self.has_evaluation and vectors.shadow is not None and vectors.state is not None:
            with np.errstate(over="ignore", invalid="ignore"):  # checked afterwards
                found = evaluated(vectors.shadow, vectors.state, self._groups, self.optimizer)
            check_finite(found, vectors.shadow, "the parameters to predict with", self.n_steps)
            vectors.parameters[...] = found

    def _settle(self, grouping: Grouping) -> None:
        """Set frozen tensors to the values that predictions use: they have no optimizer any more."""
        vectors = self._flat
        assert vectors.shadow is not None, "there are two sets of parameters"
        trained, predicting = (vectors.parameters, vectors.shadow) if self._is_under_way else (vectors.shadow, vectors.parameters)
        for span in grouping.tensors:
            if span.name in grouping.frozen:
                trained[span.offset : span.offset + span.size] = predicting[span.offset : span.offset + span.size]

    def _vectors_at_rest(self) -> Vectors | None:
        """The vectors for a copy of the network: with each set of parameters where it belongs."""
        if not self._is_under_way:
            return self._vectors
        vectors = copy.deepcopy(self._flat)
        _swap(vectors)
        self._evaluate(vectors)
        return vectors


def check_finite(found: np.ndarray, made_of: np.ndarray, what: str, step: int) -> None:
    """Raise `NonFiniteError` if new parameters are not finite though the numbers they are made of are."""
    if not all_finite(found) and all_finite(made_of):
        message = f"{what} became NaN or infinite after step {step}: {made_of.dtype} has no numbers so large. Lower the learning rate, or "
        message += "standardise the inputs. They stay those of before; where training stands is kept beside them, as `trajectory`."
        raise NonFiniteError(message, step=step, layer="")


def _swap(vectors: Vectors) -> None:
    """Let the two sets of parameters change places."""
    assert vectors.shadow is not None, "begin_average comes first"
    other = vectors.parameters.copy()
    vectors.parameters[...] = vectors.shadow
    vectors.shadow[...] = other


def realigned(vector: np.ndarray) -> np.ndarray:
    """A copy that begins on a cache line."""
    moved = aligned_zeros(vector.size, vector.dtype)
    moved[...] = vector
    return moved
