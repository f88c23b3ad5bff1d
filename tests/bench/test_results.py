from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bench.samples import results

from nncore.bench.grid import Case
from nncore.bench.results import Cell, Results, peers_of
from nncore.errors import DataError


def test_json_gives_back_everything() -> None:
    assert Results.from_json(results().to_json()) == results()
    assert Results.from_json(replace(results(), busy=True).to_json()).busy


def test_files_from_before_there_were_lines_are_read() -> None:
    fields = json.loads(results().to_json())
    del fields["lines"], fields["busy"]
    assert Results.from_json(json.dumps(fields)) == replace(results(), lines={})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1}', '{"version": 1, "training": 3}'])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="not results that this version"):
        Results.from_json(text)


def test_cells() -> None:
    cell = Cell(Case((4, 3), 1), 1e-6, {"nncore": 4e-6, "torch": 10e-6})
    assert cell.fraction == pytest.approx(0.25)
    assert cell.ratio("torch") == pytest.approx(2.5)


def test_peers_in_the_order_measured() -> None:
    assert peers_of(results().training) == ["torch", "jax"]
    assert peers_of([]) == []
