"""Pickle fitted estimators with the classes that were registered at run time, or give their state as plain data for skops."""

from __future__ import annotations

import copyreg
from typing import Any

from nncore.estimators.plain_state import plain, revived
from nncore.registry import luggage


class BringsRegistrations:
    """Base class before scikit-learn's ``BaseEstimator``. It lets worker processes use names that `nncore.register` registered in this
    process.

    Pickles hold all registrations, not only those of the arguments: a search sends other arguments to its workers separately.

    Pickles and copies have the estimator's objects. Tools that only ask for the state, such as skops, get plain data, so that no class
    except the estimator's has to be trusted.
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
