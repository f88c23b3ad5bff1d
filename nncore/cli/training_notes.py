"""Notes about the training in a model file: kind of model, folds, search and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Self

from nncore.cli.config_file import as_text, changed
from nncore.cli.experiment import Fitted
from nncore.cli.recipes import preset_of
from nncore.cli.search_outcome import SearchOutcome
from nncore.cli.settings import OPTIONS, Settings, long_name
from nncore.errors import FileFormatError

#: Key of these notes in a file.
KEY = "training"


@dataclass(frozen=True)
class TrainingNotes:
    """Notes about the training of one model.

    Attributes
    ----------
    model : str
        ``"mlp"`` or the name of a family.
    preset : str or None
        None for `mlp`.
    n_cv, n_ens, n_refit : int
        Folds, networks of each, and networks on all rows that replaced them. A single network has one fold.
    options : dict of str to object
        Options that were set, except files.
    search : SearchOutcome or None
    """

    model: str
    preset: str | None
    n_cv: int
    n_ens: int
    n_refit: int
    options: Mapping[str, Any]
    search: SearchOutcome | None

    @classmethod
    def of(cls, asked: Settings, settings: Settings, fitted: Fitted) -> Self:
        said = {
            name: value
            for name, value in changed(asked).items()
            if OPTIONS[name].section != "output" and not isinstance(getattr(asked, name), Path)
        }
        if settings.model == "mlp":
            return cls(settings.model, None, 1, 1, 0, said, None)
        return cls(settings.model, preset_of(settings), *fitted.shape, fitted.n_refit, said, fitted.search)

    def in_words(self) -> str:
        """The notes as text for the user."""
        if self.preset is None:
            return f"{self.model}, one network"
        folds = f"{self.n_cv} fold{'s' * (self.n_cv > 1)} × {self.n_ens} network{'s' * (self.n_ens > 1)}"
        refit = f", replaced by {self.n_refit} on all rows" if self.n_refit else ""
        each = " for each averaged trial" if self.search is not None and len(self.search.chosen) > 1 else ""
        return f"{self.model}, preset {self.preset}: {folds}{refit}{each}"

    def options_in_words(self) -> str:
        """The options as on the command line."""
        return " ".join(words for name, value in self.options.items() for words in _written(name, value))

    def to_json(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in ("model", "preset", "n_cv", "n_ens", "n_refit")}
        return found | {"options": dict(self.options), "search": None if self.search is None else self.search.to_json()}

    @classmethod
    def from_json(cls, notes: Mapping[str, Any]) -> Self | None:
        """Read from the notes of a file; None if there are none. Raises `FileFormatError` for anything that `to_json` does not write."""
        if (described := notes.get(KEY)) is None:
            return None
        try:
            search = None if described["search"] is None else SearchOutcome.from_json(described["search"])
            found = cls(**{**described, "search": search})
        except (KeyError, TypeError, AttributeError):
            raise FileFormatError("the description of the training is damaged: it has other fields") from None
        counts = (found.n_cv, found.n_ens, found.n_refit)
        texts = isinstance(found.model, str) and isinstance(found.preset, str | None) and isinstance(found.options, dict)
        if not texts or not all(type(count) is int for count in counts):
            raise FileFormatError("the description of the training is damaged: its fields are of other types")
        return found


def _written(name: str, value: Any) -> list[str]:
    """An option as on the command line."""
    option, said = OPTIONS.get(name), f"--{long_name(name)}"
    if option is not None and option.switch:
        return [said if value else f"--no-{long_name(name)}"]
    if option is not None and option.repeated and isinstance(value, list):
        return [f"{said} {quote(as_text(one))}" for one in value]
    if option is not None and option.keyed and isinstance(value, Mapping):
        return [f"{said} {quote(f'{key}{option.keyed}{as_text(one)}')}" for key, one in value.items()]
    return [f"{said} {quote(as_text(value))}"]
