"""The history of a fit: losses, metrics and learning rates of each epoch."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import choice, is_whole, several, shown, text
from nncore.configuration import require
from nncore.contract.direction import decided_mode, direction
from nncore.errors import ParameterError
from nncore.tables import Table
from nncore.words import explains_calls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nncore.displays.learning_curve import LearningCurveDisplay

#: Epochs shown by ``repr``; a longer fit shows its last ones.
SHOWN_EPOCHS = 10
#: Significant digits that ``repr`` shows of a column if not six: time is never that exact.
_DIGITS = {"seconds": 3}
#: Attributes that files of JSON hold, and their types there.
_SAVED: dict[str, type | tuple[type, ...]] = {"stop_reason": str, "interrupted": bool, "wait_share": (int, float)}


@explains_calls
class History:
    """Losses, metrics and learning rates of each epoch; `fit` returns it.

    Parameters
    ----------
    higher_is_better : mapping of str to bool, optional
        Whether larger values of each metric are better, by its name without ``val_`` or ``train_``. For other metrics it is inferred from
        the name (``"worst_error"`` should be small), if possible.
    moved : sequence of str, default ("lr",)
        Columns of numbers that schedules change: the paths of ``fit(schedule=...)``. They are not scores.

    Attributes
    ----------
    moved : tuple of str
        These columns.
    stop_reason : str
        Why the fit ended; empty while it runs.
    interrupted : bool
        True if Ctrl-C ended the fit.
    wait_share : float
        Fraction of the time that the fit waited for a stream, 0 to 1. If it is large, reading slows the fit down. 0 for arrays.

    Examples
    --------
    >>> history = History()
    >>> history.append(loss=0.5, val_loss=0.7)
    >>> history.append(loss=0.3, val_loss=0.6)
    >>> history["loss"]
    array([0.5, 0.3])
    >>> history.best("val_loss")
    2
    """

    def __init__(self, higher_is_better: Mapping[str, bool | None] | None = None, *, moved: Sequence[str] = ("lr",)) -> None:
        if higher_is_better is not None and not isinstance(higher_is_better, Mapping):
            raise ParameterError(f"higher_is_better must be a dict of True, False or None by name, got {shown(higher_is_better)}")
        self.moved = tuple(several("moved", moved))
        self.stop_reason = ""
        self.interrupted = False
        self.wait_share = 0.0
        self._higher_is_better = dict(() if higher_is_better is None else higher_is_better)
        self._n_epochs = 0
        self._places: dict[str, int] = {}  # of the columns, among the rows of the table
        self._values = np.empty((0, 0))  # (number of columns, epochs that there is room for)

    def append(self, **values: float) -> None:
        """Add the row of an epoch.

        A column that is not in `values` gets NaN. A new column is NaN in earlier epochs.

        Parameters
        ----------
        **values : float
            Values of the epoch, by the names of their columns.
        """
        row = [float(value) for value in values.values()]
        places, epoch = self._places, self._n_epochs
        is_whole = len(row) == len(places) and all(map(operator.eq, values, places))  # as nearly all rows are
        if not is_whole or epoch == self._values.shape[1]:
            self._make_room(values)
        self._values[:, epoch] = row if is_whole else [values.get(name, math.nan) for name in self._places]
        self._n_epochs += 1

    def _make_room(self, names: Iterable[str]) -> None:
        """Add columns, and double the room for epochs. Views of the old table do not change."""
        for name in names:
            self._places.setdefault(name, len(self._places))
        table = np.full((len(self._places), max(16, 2 * self._n_epochs)), math.nan)
        n_columns, n_epochs = self._values.shape[0], self._n_epochs
        table[:n_columns, :n_epochs] = self._values[:, :n_epochs]
        self._values = table

    def __getstate__(self) -> dict[str, Any]:
        """Lists instead of arrays: plain types that every serializer knows."""
        state = {name: value for name, value in vars(self).items() if name not in ("_values", "_places")}
        return state | {"_columns": self.to_dict()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        columns = state["_columns"]
        self.__dict__.update({name: value for name, value in state.items() if name != "_columns"})
        self._places = {name: place for place, name in enumerate(columns)}
        self._values = np.array(list(columns.values()), np.float64).reshape(len(columns), self._n_epochs)

    def __len__(self) -> int:
        return self._n_epochs

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> np.ndarray:
        """Column `name`: a float64 array of shape ``(n_epochs,)``, a read-only view."""
        try:
            column = self._values[self._places[name], : self._n_epochs]
        except KeyError:
            recorded = ", ".join(self._places) or "nothing"
            raise KeyError(f"no column {name!r}; this history has {recorded}") from None
        column.setflags(write=False)
        return column

    def whole(self) -> Self:
        """Return this history, or raise `KeyboardInterrupt` if Ctrl-C ended the fit: for functions that call `fit`.

        Returns
        -------
        History
            This history.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C ended the fit.
        """
        if self.interrupted:
            raise KeyboardInterrupt
        return self

    def keys(self) -> list[str]:
        """Names of the columns.

        Returns
        -------
        list of str
            In the order in which they were first recorded.
        """
        return list(self._places)

    @property
    def epochs(self) -> np.ndarray:
        """Numbers of the epochs: 1, 2, ... (int64)."""
        return np.arange(1, self._n_epochs + 1, dtype=np.int64)

    def mode(self, name: str) -> str | None:
        """Whether smaller or larger values of a column are better.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        {"min", "max", None}
            The direction that the metric declares, else that of its name; None if it is not known.
        """
        name = text("History.mode: name", name)
        declared = self._higher_is_better.get(name.removeprefix("val_").removeprefix("train_"))
        if declared is None:
            return None if name in self.moved else direction(name)
        return "max" if declared else "min"

    def best(self, name: str = "val_loss", mode: str = "auto") -> int:
        """Return the best epoch by a column, counted from 1: the first of equal ones. NaN is never best.

        Parameters
        ----------
        name : str, default "val_loss"
            Name of the column.
        mode : {"auto", "min", "max"}, default "auto"
            Whether smaller or larger values are better. ``"auto"`` minimises losses, and asks the metric or its name.

        Returns
        -------
        int
            The epoch, from 1.

        Raises
        ------
        KeyError
            If there is no such column.
        ParameterError
            If `mode` is invalid or ``"auto"`` finds no direction, or the column has no number.
        """
        name = text("History.best: name", name)
        values = self[name]
        better = decided_mode("History.best", name, mode, self.mode(name))
        if np.isnan(values).all():
            raise ParameterError(f"no epoch has a value of {name!r}, so there is no best epoch")
        return int(np.nanargmin(values) if better == "min" else np.nanargmax(values)) + 1

    def to_dict(self) -> dict[str, list[float]]:
        """Return the columns as lists.

        Returns
        -------
        dict of str to list of float
            In the order of `keys`.
        """
        return {name: self[name].tolist() for name in self._places}

    def to_frame(self, library: str = "pandas") -> Any:
        """Return a data frame of pandas or polars. Needs the extra ``pandas`` or ``polars``.

        Parameters
        ----------
        library : {"pandas", "polars"}, default "pandas"
            Library of the data frame.

        Returns
        -------
        pandas.DataFrame or polars.DataFrame
            One row for each epoch. The number of the epoch is the index in pandas, and the first column, ``"epoch"``, in polars.
        """
        if choice("History.to_frame: library", library, ("pandas", "polars")) == "polars":
            polars = require("polars", extra="polars", purpose='to_frame("polars")')
            return polars.DataFrame({"epoch": self.epochs, **{name: self[name] for name in self._places}})
        pandas = require("pandas", extra="pandas", purpose="to_frame")
        return pandas.DataFrame(self.to_dict(), index=pandas.RangeIndex(1, self._n_epochs + 1, name="epoch"))

    def to_json(self) -> str:
        """Write the history as JSON, which `from_json` reads.

        Returns
        -------
        str
            An object: ``"columns"`` has a list of numbers for each column, and other keys the attributes and the directions of metrics. NaN
            is null, and infinities are "Infinity" and "-Infinity", since JSON has none.
        """
        columns = {name: [_for_json(value) for value in values] for name, values in self.to_dict().items()}
        rest = {"higher_is_better": self._higher_is_better, **{name: getattr(self, name) for name in _SAVED}, "moved": list(self.moved)}
        return json.dumps({"n_epochs": self._n_epochs, "columns": columns, **rest}, allow_nan=False)

    @classmethod
    def from_json(cls, content: str | bytes) -> Self:
        """Read a history that `to_json` wrote.

        Parameters
        ----------
        content : str or bytes
            The JSON itself, for example ``pathlib.Path("history.json").read_text()``.

        Returns
        -------
        History
            An equal history.

        Raises
        ------
        ParameterError
            If it is not a history.
        """
        if not isinstance(content, (str, bytes)):
            raise ParameterError(f"History.from_json: content must be the text that to_json wrote, got {shown(content)}")
        try:
            found = json.loads(content)
            n_epochs, columns, directions = found["n_epochs"], found["columns"], found["higher_is_better"]
            values = {name: [_from_json(value) for value in column] for name, column in columns.items()}
            fit = all(len(column) == n_epochs for column in values.values()) and is_whole(n_epochs) and n_epochs >= 0
            fit = fit and all(better is None or isinstance(better, bool) for better in directions.values())
            if not fit or not all(isinstance(found[name], kind) for name, kind in _SAVED.items()):
                raise ValueError("its columns or attributes are not those of a history")
            history = cls(directions, moved=found["moved"])
            for name in _SAVED:
                setattr(history, name, found[name])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            what = f"{type(error).__name__}: {error}"
            raise ParameterError(f"History.from_json: to_json did not write this ({what:.200}), got {shown(content)}") from None
        history._n_epochs, history._places = n_epochs, {name: place for place, name in enumerate(values)}
        history._values = np.array(list(values.values()), np.float64).reshape(len(values), n_epochs)
        return history

    def plot(self, ax: Axes | None = None) -> LearningCurveDisplay:
        """Draw the learning curves. Needs the extra ``plot``.

        Parameters
        ----------
        ax : Axes, optional
            Axes of matplotlib to draw into; None makes a figure.

        Returns
        -------
        LearningCurveDisplay
            The display, with the axes and the figure.
        """
        from nncore.displays.learning_curve import LearningCurveDisplay

        return LearningCurveDisplay.from_history(self, ax=ax)

    def _headline(self) -> str:
        """One sentence: how many epochs, the best of them, why it ended."""
        parts = [f"{self._n_epochs} epoch{'' if self._n_epochs == 1 else 's'}"]
        judge = "val_loss" if "val_loss" in self else "loss"
        if judge in self and not np.isnan(self[judge]).all():
            best = self.best(judge)
            parts.append(f"best {judge} {self[judge][best - 1]:.6g} in epoch {best}")
        if self.stop_reason:
            parts.append(self.stop_reason)
        return "History of " + "; ".join(parts)

    def _table(self) -> Table:
        """The last epochs."""
        first = max(0, self._n_epochs - SHOWN_EPOCHS)
        header = ["epoch", *self._places]
        rows = [["…", *("" for _ in self._places)]] if first else []
        for index in range(first, self._n_epochs):
            rows.append([str(index + 1), *(f"{self[name][index]:.{_DIGITS.get(name, 6)}g}" for name in self._places)])
        return Table(self._headline(), header, rows, numbers=header)

    def __repr__(self) -> str:
        return self._table().text() if self._n_epochs else self._headline()

    def _repr_html_(self) -> str:
        return self._table().html()


def _for_json(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _from_json(value: Any) -> float:
    if value is None:
        return math.nan
    if value in ("Infinity", "-Infinity") or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return float(value)
    raise ValueError(f"{value!r:.40} is not a number")
