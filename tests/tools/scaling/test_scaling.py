"""The model of many processes: the time of messages, the bytes of a step, and the page from made-up results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scaling import page, results, steps
from scaling.collectives import Pretended
from scaling.links import LINKS, Link, seconds_of
from scaling.shapes import SHAPES, Shape
from scaling.steps import Step

SMALL = Shape(6, (8, 8), 2, 32)


def test_messages_take_latency_and_bytes():
    link = Link(latency=2.0, bandwidth=10.0)
    assert seconds_of("exchange", 3, 100, 4, link) == 3 * 2 + 100 / 10
    assert seconds_of("all_gather", 3, 100, 8, link) == 3 * 3 * 2 + 100 * 7 / 8 / 10
    assert seconds_of("all_gather", 3, 100, 5, link) == 3 * 3 * 2 + 100 * 4 / 5 / 10
    assert seconds_of("all_gather", 3, 100, 1, link) == 0


@pytest.mark.parametrize("size", [2, 3, 8])
def test_an_exact_step_sends_samples_and_parameters(size: int, monkeypatch: pytest.MonkeyPatch):
    """A step sends B · (inputs and outputs of layers, without the first inputs) + P numbers, and a few words for each exchange."""
    monkeypatch.setattr(steps, "REPEATS", 1)
    step = steps.pretended(SMALL, SMALL.batch, size)
    n_outputs = sum(SMALL.widths[1:])
    numbers = SMALL.batch * (n_outputs + sum(SMALL.hidden)) + SMALL.n_parameters
    assert 0 <= step.sent["all_gather"] - 4 * numbers < 2000
    assert 3 <= step.calls["all_gather"] < 9
    assert step.seconds < 1


def test_nobody_is_there():
    collective = Pretended(4)
    steps.fit(SMALL, SMALL.batch, 1, collective, 1)
    assert (collective.rank, collective.size) == (0, 4)
    assert collective.calls["all_gather"] > 3 * steps.STEPS


def made(shape: Shape, size: int, shards: int, *, batch: int = 0) -> Step:
    batch = batch or shape.batch
    kind = "exchange" if shards > 1 else "all_gather"
    sent = shape.n_parameters + (batch * 100 if shards == 1 else 0)
    nothing = {"all_gather": 0.0, "exchange": 0.0}
    return Step(str(shape), batch, size, shards, 1 / size, nothing | {kind: 2.0} if size > 1 else nothing, nothing | {kind: float(sent)})


def test_the_page(tmp_path: Path):
    made_up = []
    for shape in SHAPES:
        made_up += [made(shape, size, shards) for size in results.SIZES for shards in {1, size} if size <= 64 or shards == 1]
        made_up += [made(shape, 2, shards, batch=2 * shape.batch) for shards in (1, 2)]
    file = tmp_path / "scaling.json"
    checked = [results.Checked("TCP, 1 Gb/s", made(SHAPES[0], 2, 1), made(SHAPES[0], 2, 1))]
    found = results.Results({"CPU": "one", "date": "today"}, made_up, {"CPU": "two", "cores": "2"}, checked)
    results.write(file, found)
    assert results.read(file) == found
    text = page.write(file).read_text()
    assert text.count(str(SHAPES[0])) >= 4
    assert file.with_suffix(".png").stat().st_size > 10_000
    assert "| TCP, 1 Gb/s | exact |" in text
    assert "measured, ms" in text
    assert "another machine" in text


def test_processes_are_compared_with_as_many_and_as_many_shards():
    """Expected times: one process with two shards does the work of two processes, and four processes share two cores."""
    one, shards = made(SHAPES[0], 1, 1), replace(made(SHAPES[0], 1, 2), seconds=1.5)
    assert results.Checked("", replace(shards, seconds=1.6), shards).expected(2) == 1.5
    four = made(SHAPES[0], 4, 1)
    assert results.Checked("", four, four).expected(2) == 2 * four.seconds
    delayed = results.Checked("TCP, 1 Gb/s", four, four)
    assert delayed.expected(4) == four.with_messages(LINKS["TCP, 1 Gb/s"])
    found = results.Results({}, [one], {}, []).with_checked(delayed, {"CPU": "a", "date": "1"})
    again = replace(delayed, step=replace(four, seconds=9.0))
    assert found.with_checked(again, {"CPU": "a", "date": "2"}).checked == [again]
    assert found.with_checked(results.Checked("", four, four), {"CPU": "a", "date": "2"}).checked[0] == delayed
    assert len(found.with_checked(results.Checked("", four, four), {"CPU": "b", "date": "2"}).checked) == 1


def test_speed_ups_by_hand():
    shape, link = SHAPES[0], Link(latency=0.01, bandwidth=1e9)
    model = page.Model([made(shape, size, shards, batch=batch) for size in (1, 2, 4) for shards in {1, size} for batch in (512, 1024)])
    assert model.strong(shape, 1, False, link) == 1
    four = 1 / 4 + 2 * 2 * 0.01 + (shape.n_parameters + 51_200) * 3 / 4 / 1e9
    assert model.strong(shape, 4, False, link) == pytest.approx(1 / four)
    grown = 1 + 2 * 2 * 0.01 + (shape.n_parameters + 4 * 51_200) * 3 / 4 / 1e9
    assert model.weak(shape, 4, False, link) == pytest.approx(4 / grown)
    assert model.weak(shape, 4, True, link) == pytest.approx(4 / (1 + 2 * 0.01 + shape.n_parameters / 1e9))
    assert model.strong(shape, 8, False, link) is None
