"""Fitted estimators on their way: pickled with the classes that were registered at run time, or as plain data for skops."""

from __future__ import annotations

import copyreg
from typing import Any

from nncore.estimators.plain_state import plain, revived
from nncore.registry import luggage


class BringsRegistrations:
    """Before scikit-learn's ``BaseEstimator``: a search in several processes can name what `nncore.register` registered in this one.

    All of them, not only those that the arguments name: the arguments to try are sent to a worker beside the estimator.

    Pickles and copies have the objects that the estimator holds. What asks for the state alone, as skops does, gets plain data instead, in
    which no class but the estimator's own has to be trusted.
    """

    def __reduce_ex__(self, protocol: Any) -> Any:
        state, brought = self._whole_state(), luggage()
        return copyreg.__newobj__, (type(self),), state if brought is None else state | {"_luggage": brought}  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        return {"_plain": plain(self._whole_state())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        whole = revived(state["_plain"]) if "_plain" in state else state
        kept = {name: value for name, value in whole.items() if name != "_luggage"}
        super().__setstate__(kept)  # type: ignore[misc]  # BaseEstimator has it

    def _whole_state(self) -> dict[str, Any]:
        return dict(super().__getstate__())  # type: ignore[call-overload]  # an estimator's is a dict
