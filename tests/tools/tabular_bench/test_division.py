"""The division into tables to tune on and tables to report."""

from __future__ import annotations

import pandas  # noqa: F401  # the tables' module needs it
from tabular_bench import division
from tabular_bench.tables import TABLES


def test_the_file_is_what_the_rule_gives() -> None:
    assert division.read() == division.divide({name: table.kind for name, table in TABLES.items()})


def test_every_table_is_in_one_part_and_every_kind_in_both() -> None:
    parts = division.read()
    assert sorted(parts["tune"] + parts["report"]) == sorted(TABLES)
    for names in parts.values():
        assert {TABLES[name].kind for name in names} == {"binary", "multiclass", "regression"}


def test_there_are_enough_tables() -> None:
    assert len(division.read()["report"]) >= 20


def test_order_of_the_names_does_not_matter() -> None:
    kinds = {name: table.kind for name, table in TABLES.items()}
    assert division.divide(dict(reversed(kinds.items()))) == division.divide(kinds)
