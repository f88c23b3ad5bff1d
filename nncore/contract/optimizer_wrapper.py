"""Optimizers around other optimizers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import shown
from nncore.contract.configurable import numbers_of
from nncore.contract.optimizer import Optimizer, State, TensorSpan
from nncore.contract.ownership import copied_deeply, with_arguments
from nncore.errors import ParameterError


class OptimizerWrapper(Optimizer):
    """Base class of optimizers that act before and after the steps of another one, their argument `optimizer`.

    Override `before_step` and `after_step`, which are called around every step of the inner optimizer; `perturb`, before a second gradient;
    or `own_evaluation`, for the parameters to predict with. The network calls the inner optimizer. Wrappers may be nested.

    In ``__init__``, write ``self.optimizer = resolve("optimizers", optimizer)``, which accepts names, classes and dicts.

    Attributes
    ----------
    optimizer : Optimizer
        The inner optimizer. It has the learning rate.
    own_slots : int
        Number of state vectors of the wrapper itself, as `Optimizer.n_slots`.
    kernel : Kernel or None
        The same in C: those of ``before_step``, ``after_step`` and ``perturb`` of ``nnc_optimizer`` that the class overrides. It is used if
        the inner optimizer has a kernel too.
    """

    own_slots: ClassVar[int] = 0
    optimizer: Optimizer

    def before_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        """Called before each step of the optimizer inside.

        Parameters
        ----------
        w : ndarray of shape (n,)
            Parameters: of the whole network, or of a part of it.
        state : ndarray of shape (own_slots, n)
            The wrapper's own, 0 before the first step.
        t : int
            Number of this step, from 1.
        """

    def after_step(self, w: np.ndarray, state: np.ndarray, t: int) -> None:
        """Called after each step of the optimizer inside, with the same arguments."""

    def validate(self) -> None:
        """Raise `ParameterError` for a hyperparameter outside `ranges`, or an optimizer inside that does what this one does."""
        super().validate()
        inner, cls = self.optimizer, type(self)
        if not isinstance(inner, Optimizer):
            raise ParameterError(f"{cls.__name__}: optimizer must be an optimizer, got {shown(inner)}")
        if self._evaluates and inner.has_evaluation:
            raise ParameterError(f"{cls.__name__} predicts with parameters of its own, and so does {inner!r}: use one of the two")
        if cls.perturb is not OptimizerWrapper.perturb and inner.n_passes > 1:
            raise ParameterError(f"{cls.__name__} computes a second gradient, and so does {inner!r}: use one of the two")

    @property
    def n_slots(self) -> int:  # type: ignore[override]
        """Slots of the whole: first its own, then those of the inner optimizer."""
        return self.own_slots + self.optimizer.n_slots

    @property
    def needs_tensors(self) -> bool:  # type: ignore[override]
        """See the inner optimizer."""
        return self.optimizer.needs_tensors

    @property
    def lr(self) -> float:
        """The learning rate of the optimizer inside."""
        rate: float = self.optimizer.lr  # type: ignore[attr-defined]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.lr = value

    def settings(self) -> dict[str, Any]:
        """Arguments by name, those of the optimizer inside among them."""
        own = super().settings()
        del own["optimizer"]
        return self.optimizer.settings() | own

    def holder(self, name: str) -> Optimizer:
        """The optimizer, this one or one inside, that has an argument of that name."""
        return self if name in super().settings() else self.optimizer.holder(name)

    def own_hyper(self) -> list[float]:
        """Numbers handed to the wrapper's own kernel: the numeric part of its arguments, in order."""
        return super().hyper()

    def hyper(self) -> list[float]:
        """Numbers of the optimizer inside, then `own_hyper`."""
        return self.optimizer.hyper() + self.own_hyper()

    def state(self, tensors: Sequence[TensorSpan]) -> Sequence[Sequence[State]]:
        """State of the whole around an optimizer that needs tensors: first one array for its own slots, then those of the inner
        optimizer."""
        inner = self.optimizer.state(tensors)
        return [[*self._own_state(tensor), *states] for tensor, states in zip(tensors, inner, strict=True)]

    def _own_state(self, tensor: TensorSpan) -> list[State]:
        return [State(self._own_name, (self.own_slots, *tensor.shape))] if self.own_slots else []

    @property
    def _own_name(self) -> str:
        """Wrappers inside each other may be of one class."""
        depth = len(wrappers_of(self)[0])
        return f"{type(self).__name__.lower()}_{depth}"

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """See the inner optimizer."""
        return self.optimizer.work(tensors)

    def step(self, w: Any, g: Any, state: Any, t: int, *tensors: Any, **_: Any) -> None:
        """One step of the optimizer inside, with what is done around it."""
        for part, own in self._parts(w, state):
            self.before_step(part, own, t)
        self.optimizer.step(w, g, self._inner(state), t, *tensors)
        for part, own in self._parts(w, state):
            self.after_step(part, own, t)

    def _parts(self, w: Any, state: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The array arguments of `step`, each with the wrapper's own state: (own_slots, *shape)."""
        if not self.needs_tensors:
            yield w, state[: self.own_slots]
            return
        for matrix, kept in zip(w, state, strict=True):
            yield matrix, kept[self._own_name] if self.own_slots else np.empty((0, *matrix.shape), matrix.dtype)

    def _inner(self, state: Any) -> Any:
        """The state of the optimizer inside."""
        if not self.needs_tensors:
            return state[self.own_slots :]
        own = self._own_name
        return [{name: array for name, array in kept.items() if name != own} for kept in state]

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        """See the inner optimizer."""
        self.optimizer.perturb(w, g, norm)

    @property
    def n_passes(self) -> int:
        """Number of gradients of a batch in a step: 2 if this class or the inner optimizer has a `perturb`."""
        return self.optimizer.n_passes if type(self).perturb is OptimizerWrapper.perturb else 2

    def own_evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        """Write to `out` the parameters to predict with, as `Optimizer.evaluation`, from `w` and the wrapper's own state; all arrays."""
        raise NotImplementedError(f"{type(self).__name__}.own_evaluation")

    def evaluation(self, w: Any, state: Any, out: Any) -> None:
        """By `own_evaluation` if the class overrides it, else as the optimizer inside."""
        if not self._evaluates:
            self.optimizer.evaluation(w, self._inner(state), out)
            return
        for (part, own), to in zip(self._parts(w, state), out if self.needs_tensors else [out], strict=True):
            self.own_evaluation(part, own, to)

    @property
    def _evaluates(self) -> bool:
        return type(self).own_evaluation is not OptimizerWrapper.own_evaluation

    @property
    def has_evaluation(self) -> bool:
        """Whether this class or the inner optimizer predicts with other parameters than the trained ones."""
        return self._evaluates or self.optimizer.has_evaluation


def change_settings(optimizer: Optimizer, changes: Mapping[str, Any]) -> None:
    """Give an optimizer that belongs to no network other `settings`, checked as its class checks them."""
    by_holder: dict[int, tuple[Optimizer, dict[str, Any]]] = {}
    for name, value in changes.items():
        holder = optimizer.holder(name)
        by_holder.setdefault(id(holder), (holder, {}))[1][name] = value
    for holder, own in by_holder.values():
        vars(holder).update(with_arguments(holder, own))


def with_settings(optimizer: Optimizer, changes: Mapping[str, Any]) -> Optimizer:
    """An optimizer with other `settings`: itself if there are none, or a copy."""
    if not changes:
        return optimizer
    copy: Optimizer = copied_deeply(optimizer)
    change_settings(copy, changes)
    return copy


def numbers_of_optimizer(optimizer: Optimizer) -> dict[str, float]:
    """`numbers_of` an optimizer and of those inside it, by name."""
    around, innermost = wrappers_of(optimizer)
    return {name: value for one in (innermost, *reversed(around)) for name, value in numbers_of(one).items()}


def wrappers_of(optimizer: Optimizer) -> tuple[list[OptimizerWrapper], Optimizer]:
    """The wrappers of an optimizer, outermost first, and the optimizer inside all of them."""
    around = []
    while isinstance(optimizer, OptimizerWrapper):
        around.append(optimizer)
        optimizer = optimizer.optimizer
    return around, optimizer


def does(wrapper: OptimizerWrapper) -> dict[str, bool]:
    """Hooks of a wrapper around a step, by the stems of its kernel's functions, and whether its class overrides them."""
    return {name: getattr(type(wrapper), name) is not getattr(OptimizerWrapper, name) for name in ("before_step", "after_step", "perturb")}
