"""Estimators in worker processes: a pickled one brings the classes that were registered at run time."""

from __future__ import annotations

from typing import Any

from nncore.registry import luggage


class BringsRegistrations:
    """Before scikit-learn's ``BaseEstimator``: a search in several processes can name what `nncore.register` registered in this one.

    All of them, not only those that the arguments name: the arguments to try are sent to a worker beside the estimator.
    """

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]  # an estimator's is a dict
        brought = luggage()
        return state if brought is None else state | {"_luggage": brought}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = {name: value for name, value in state.items() if name != "_luggage"}
        super().__setstate__(kept)  # type: ignore[misc]  # BaseEstimator has it
