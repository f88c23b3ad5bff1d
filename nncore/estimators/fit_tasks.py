"""scikit-learn's callbacks (1.9 and later) in a fit: the fit is a task, and every epoch a task in it."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from nncore.contract import Callback

if TYPE_CHECKING:
    from nncore.network import Training

__all__ = ["RUNNING_CALLBACKS", "CallbackSupportMixin", "FitTasks", "with_callbacks"]

#: Attributes of an estimator by which `with_callbacks` finds what to tear down, also after an error.
RUNNING_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")

Method = TypeVar("Method", bound=Callable[..., Any])


class CallbackSupportMixin:
    """Replacement for older versions of scikit-learn, without set_callbacks."""


def with_callbacks(method: Method) -> Method:
    """Return `method` unchanged."""
    return method


if not TYPE_CHECKING:  # scikit-learn's own, from 1.9 on, have no types and would remove those of what they decorate
    with contextlib.suppress(ModuleNotFoundError):
        from sklearn.callback import CallbackSupportMixin, with_callbacks


class FitTasks(Callback):
    """Calls the callbacks of ``estimator.set_callbacks`` for the fit and its epochs.

    Make it at the beginning of a ``fit`` that is decorated by `with_callbacks`. Pass it to `Sequential.fit` as the last callback, so that
    it knows whether another epoch follows. Call `finish` at the end of the fit. L-BFGS has no epochs: it calls `begin` before and `end`
    after each iteration.

    A callback that returns True at the end of an epoch ends the fit.

    Parameters
    ----------
    estimator : estimator
    X, y : array-like
        The user's data in ``fit``, so that a callback can compute scores.
    sample_weight : array-like or None
    max_iter : int
        Largest number of epochs or iterations.
    fitted : callable
        Returns attributes, by name, that turn a copy of the estimator into one fitted so far, without sharing data that training changes.
        Called only if a callback needs such a copy.
    task_name : str, default "epoch"
    are_sequential : bool, default True
        Whether epochs follow one another.
    task : callback context, optional
        Task that contains the epochs; by default the whole fit.

    Attributes
    ----------
    is_heard : bool
        Whether there are any callbacks.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        max_iter: int,
        fitted: Callable[[], dict[str, Any]],
        task_name: str = "epoch",
        are_sequential: bool = True,
        task: Any = None,
    ) -> None:
        self.estimator, self.X, self.y, self.sample_weight = estimator, X, y, sample_weight
        self.max_iter, self.fitted, self.task_name = max_iter, fitted, task_name
        self._given = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self._given["metadata"] = {"sample_weight": sample_weight}
        self._n_begun = 0
        self._task: Any = None
        if task is None and hasattr(estimator, "set_callbacks"):
            task = estimator._init_callback_context(max_subtasks=max_iter, sequential_subtasks=are_sequential)
        self._fit_task: Any = task
        if task is not None:
            task.call_on_fit_task_begin(**self._given)
        # Without callbacks, no tasks are made: an epoch may take microseconds.
        self.is_heard = self._fit_task is not None and bool(getattr(estimator, "_skl_callbacks", ()))

    def begin(self) -> None:
        """Begin an epoch. Ignored after `max_iter` epochs."""
        if self.is_heard and self._n_begun < self.max_iter:
            self._n_begun += 1
            self._task = self._fit_task.subcontext(task_name=self.task_name)
            self._task.call_on_fit_task_begin(**self._given)

    def end(self) -> bool:
        """End an epoch. Returns whether a callback requests the end of the fit."""
        if self._task is None:
            return False
        task, self._task = self._task, None
        return bool(task.call_on_fit_task_end(**self._given, reconstruction_attributes=self.fitted))

    def subtask(self, name: str, number: int, max_subtasks: int) -> Any:
        """Make a subtask, for subtasks that are not sequential."""
        return self._fit_task.subcontext(task_name=name, task_id=number, max_subtasks=max_subtasks)

    def finish(self, fitted: Callable[[], dict[str, Any]] = dict) -> None:
        """End the fit. `fitted` returns the fitted attributes of the estimator."""
        self.close()
        if self._fit_task is not None:
            self._fit_task.call_on_fit_task_end(**self._given, reconstruction_attributes=fitted)

    def close(self) -> None:
        """End an interrupted epoch."""
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self.estimator)
            self._task = None

    def on_fit_begin(self, training: Training) -> None:
        if training.n_epochs > 0:  # a warm start may have no epochs left
            self.begin()

    def on_epoch_end(self, training: Training) -> None:
        if self.end():
            training.stop("a scikit-learn callback ended the fit")
        elif training.epoch < training.n_epochs and training.stop_reason is None:
            self.begin()

    def on_fit_end(self, training: Training) -> None:
        self.close()
