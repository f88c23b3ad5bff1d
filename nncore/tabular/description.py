"""Convert a `TableEncoder` to JSON and back. Files may be malicious, so every field is checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from nncore.data import EncodingChain, level_key
from nncore.errors import FileFormatError
from nncore.tabular.columns import NUMBER_ENCODINGS, TIME_ENCODINGS, CategoricalColumn, NumericColumn, TableColumn, TimeColumn
from nncore.tabular.dates import FORMS
from nncore.tabular.encoder import TableEncoder
from nncore.tabular.target import SCALINGS, ClassTarget, RealTarget

#: Version of the format. Increase it when the meaning of a field changes.
FORMAT = 6

#: Key of the notes in a description.
NOTES = "notes"

_TYPES: dict[str, type] = {
    "numeric": NumericColumn,
    "time": TimeColumn,
    "categorical": CategoricalColumn,
    "classes": ClassTarget,
    "real": RealTarget,
}
_KINDS = {cls: kind for kind, cls in _TYPES.items()}


def to_json(encoder: TableEncoder) -> dict[str, Any]:
    """Describe `encoder` by lists, dicts, strings and numbers."""
    described = [_described(part) for part in (*encoder.columns, encoder.target)]
    return {
        "format": FORMAT,
        "names": list(encoder.names),
        "has_header": encoder.has_header,
        "decimal_comma": encoder.decimal_comma,
        "separator": encoder.separator,
        "missing": list(encoder.missing),
        "columns": described[:-1],
        "target": described[-1],
    }


def _described(part: Any) -> dict[str, Any]:
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return {"kind": _KINDS[type(part)]} | {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, EncodingChain):
        return value.to_json()
    return list(value) if isinstance(value, tuple) else value


def notes_of(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """The notes of a description. Their content is not checked.

    Raises
    ------
    FileFormatError
        If they are not a dict.
    """
    notes = described.get(NOTES, {})
    if not isinstance(notes, Mapping):
        raise FileFormatError("the description of the columns is damaged: its notes are invalid")
    return notes


def from_json(description: object) -> TableEncoder:
    """Restore an encoder from `to_json`. Raises `FileFormatError` for anything else."""
    record = _Record(description, "the description of the columns")
    version = record.whole("format")
    if version != FORMAT:
        remedy = "upgrade nncore-ml" if version > FORMAT else "train the network again"
        raise FileFormatError(f"the columns are described in format {version} and this nncore reads {FORMAT}: {remedy}")
    columns = [_column(part) for part in record.list("columns")]
    target = _target(record.any("target"))
    names = record.texts("names")
    used = [column.name for column in columns] + [target.name]
    if len(set(used)) != len(used) or not set(used) <= set(names) or not columns:
        raise FileFormatError("the description of the columns is damaged: its columns do not fit its names")
    has_header, decimal_comma = record.boolean("has_header"), record.boolean("decimal_comma")
    separator, missing = record.text("separator"), record.texts("missing")
    return TableEncoder(names, has_header, decimal_comma, separator, missing, tuple(columns), target)


def _column(part: object) -> TableColumn:
    record = _Record(part, "a column")
    match record.text("kind"):
        case "numeric":
            return NumericColumn(record.text("name"), record.chain("chain", [NUMBER_ENCODINGS]))
        case "time":
            form = record.text("form")
            if form not in FORMS:
                raise FileFormatError(f"the description of the columns is damaged: no dates are written {form!r}")
            return TimeColumn(record.text("name"), form, record.chain("chain", [TIME_ENCODINGS]))
        case "categorical":
            as_text = record.boolean("as_text")
            levels = record.texts("levels") if as_text else record.levels("levels")
            has_missing, has_other, is_coded = (record.boolean(key) for key in ("has_missing", "has_other", "is_coded"))
            return CategoricalColumn(record.text("name"), levels, has_missing, has_other, is_coded, as_text)
        case other:
            raise FileFormatError(f"the description of the columns is damaged: no column is of kind {other!r}")


def _target(part: object) -> ClassTarget | RealTarget:
    record = _Record(part, "the target")
    match record.text("kind"):
        case "classes":
            return ClassTarget(record.text("name"), record.levels("classes"), record.texts("missing"))
        case "real":
            return RealTarget(record.text("name"), record.chain("chain", [*SCALINGS.values(), ()]), record.texts("missing"))
        case other:
            raise FileFormatError(f"the description of the columns is damaged: no target is of kind {other!r}")


class _Record:
    """A JSON object whose fields are fetched by type."""

    def __init__(self, value: object, what: str) -> None:
        self.what = what
        if not isinstance(value, dict):
            raise self._damaged("is not an object")
        self.fields: dict[str, object] = value

    def _damaged(self, why: str) -> FileFormatError:
        return FileFormatError(f"the description of the columns is damaged: {self.what} {why}")

    def any(self, key: str) -> object:
        if key not in self.fields:
            raise self._damaged(f"has no {key!r}")
        return self.fields[key]

    def list(self, key: str) -> list[object]:
        value = self.any(key)
        if not isinstance(value, list):
            raise self._damaged(f"has {key!r} = {value!r}, which is not a list")
        return value

    def text(self, key: str) -> str:
        value = self.any(key)
        if not isinstance(value, str):
            raise self._damaged(f"has {key!r} = {value!r}, which is not a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = tuple(value for value in self.list(key) if isinstance(value, str))
        if len(values) != len(self.list(key)) or len(set(values)) != len(values):
            raise self._damaged(f"has {key!r}, which is not a list of distinct texts")
        return values

    def levels(self, key: str) -> tuple[str, ...]:
        values = self.texts(key)
        if len(set(map(level_key, values))) != len(values):
            raise self._damaged(f"has {key!r}, of which two are equal")
        return values

    def boolean(self, key: str) -> bool:
        value = self.any(key)
        if not isinstance(value, bool):
            raise self._damaged(f"has {key!r} = {value!r}, which is neither true nor false")
        return value

    def number(self, key: str) -> float:
        value = self.any(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self._damaged(f"has {key!r} = {value!r}, which is not a finite number")
        return float(value)

    def chain(self, key: str, known: Sequence[Sequence[str]]) -> EncodingChain:
        """Fitted encodings of one column, which must be one of the `known` lists."""
        chain = EncodingChain.from_json(self.any(key), 1)
        if [one["name"] for one in chain.description()] not in [list(names) for names in known]:
            raise self._damaged(f"has {key!r} of encodings that no such column has")
        return chain

    def whole(self, key: str) -> int:
        value = self.number(key)
        if not value.is_integer():
            raise self._damaged(f"has {key!r} = {value!r}, which is not a whole number")
        return int(value)
