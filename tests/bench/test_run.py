from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nncore._core import native
from nncore.bench import grid, machine, run, sections
from nncore.bench.grid import Case, task
from nncore.bench.limit import Rates
from nncore.bench.peers import Peer
from nncore.bench.run import Selection
from nncore.bench.sections import Question
from nncore.blocks import available_memory
from nncore.errors import ParameterError

NETS = ((4, 8, 3),)
SHORT = {"nets": NETS, "batches": (2, 4), "threads": (1,), "seconds": 0.01}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "measure_rates", lambda seconds: Rates(1e11, 4e10))
    monkeypatch.setattr(grid, "EPOCH_SECONDS", 1e-4)


def test_cells_of_training_and_prediction() -> None:
    told: list[str] = []
    results = run.measure(Selection(sections=("training", "prediction"), **SHORT), told.append)
    assert [cell.case.batch for cell in results.training] == [cell.case.batch for cell in results.prediction] == [2, 4]
    assert all(cell.seconds["nncore"] > 0 for cell in (*results.training, *results.prediction))
    assert set(results.versions) == {"nncore"}
    assert results.remarks == []
    assert told == [
        "what the machine can do",
        "training 1 of 2: 4-8-3 at 2, 1 thread",
        "training 2 of 2: 4-8-3 at 4, 1 thread",
        "prediction 1 of 2: 4-8-3 at 2, 1 thread",
        "prediction 2 of 2: 4-8-3 at 4, 1 thread",
    ]


def test_a_peer_that_is_missing_becomes_a_remark() -> None:
    results = run.measure(Selection(sections=("training",), peers=[Peer("absent", ("training",), "absent-ml")], **SHORT), lambda text: None)
    assert len(results.training) == 2
    assert [remark.split(" (")[0] for remark in results.remarks] == ["absent cannot be imported"]


def test_more_threads_than_cores_are_not_measured() -> None:
    n_cores = len(machine.usable_cores())
    results = run.measure(Selection(sections=("training",), **SHORT | {"threads": (n_cores + 1,)}), lambda text: None)
    assert results.training == []
    assert results.remarks == [f"{n_cores + 1} threads are not measured: this process may use {n_cores} cores"]


def test_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    step = task("training", Case((4, 8, 3), 2), 8)
    product = task("product", Case((8, 4), 2), 2)
    questions = [
        Question(
            "in parts",
            task("call", Case((4, 8, 3), 2), 2) | {"call": "forward, backward, step", "clock": "cpu"},
            ((step, 2.0), (step, 1.0)),
            1.0,
        ),
        Question("product", product, (({"kind": "flop"}, 64.0),), 0.5, flops=64.0),
        Question("in a frame", product, needs=("no_such_module",)),
        Question("on many threads", product, threads=10**6),
        Question("in bfloat16", product, rounds=True),
    ]
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    monkeypatch.setitem(sections.SECTIONS, "calls", replace(sections.SECTIONS["calls"], questions=lambda: questions))
    told: list[str] = []
    results = run.measure(Selection(sections=("calls",), seconds=0.01), told.append)
    parts, product_line = results.lines["calls"]
    assert parts.seconds["nncore"] > 0
    assert parts.base > 0
    assert parts.goal == 1.0
    assert (product_line.what, product_line.flops) == ("product", 64.0)
    assert product_line.base < product_line.seconds["nncore"]
    assert told == ["what the machine can do", "calls: in parts", "calls: product"]
    assert results.remarks == [
        "calls: in a frame is not measured: nncore's interpreter has no no_such_module",
        f"calls: on many threads is not measured: this process may use {len(machine.usable_cores())} cores",
        "calls: in bfloat16 is not measured: this processor makes no products in bfloat16",
    ]


def test_a_busy_neighbour_has_ended_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    @contextmanager
    def neighbour(core: int) -> Iterator[None]:
        started.append(core)
        yield
        started.append(-1)

    monkeypatch.setattr(run, "Neighbour", neighbour)
    monkeypatch.setattr(machine, "usable_cores", lambda: [1, 0])
    assert run.measure(Selection(sections=(), busy=True), lambda text: None).busy
    assert started == [0, -1]
    monkeypatch.setattr(machine, "usable_cores", lambda: [0])
    with pytest.raises(ParameterError, match="a busy neighbour needs a second core: this process may use one"):
        run.measure(Selection(busy=True), lambda text: None)


def test_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MEMORY_BYTES", 2**21)
    monkeypatch.setattr(run, "LINEARITY_ROWS", (1000, 10_000))
    monkeypatch.setattr(run, "LINEARITY_SECONDS", 0.01)
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"12345")
    results = run.measure(Selection(sections=("memory", "linearity", "import", "wheel"), wheel=wheel, seconds=0.01), lambda text: None)
    facts = results.facts
    assert 0 <= facts["memory_bytes"] < 1e9
    assert 0.1 < facts["linearity"] < 10
    assert 0 < facts["import_numpy_seconds"] <= facts["import_seconds"] <= facts["first_network_seconds"]
    assert facts["wheel_bytes"] == 5


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.bench.run.available_memory", lambda: 2**30)
    results = run.measure(Selection(sections=("memory",)), lambda text: None)
    assert results.facts == {}
    assert results.remarks == ["the memory of a 1 GB fit is not measured: 1.0 GB are free, 3 are needed"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"vendor_id": "AuthenticAMD", "cpu family": "25", "model": "1", "model name": "AMD EPYC"}, "AMD EPYC (Zen 3; family 25, model 1)"),
        ({"vendor_id": "AuthenticAMD", "cpu family": "25", "model": "17", "model name": "EPYC"}, "EPYC (Zen 4; family 25, model 17)"),
        ({"vendor_id": "AuthenticAMD", "cpu family": "26", "model": "2", "model name": "EPYC"}, "EPYC (Zen 5; family 26, model 2)"),
        ({"vendor_id": "AuthenticAMD", "cpu family": "99", "model": "1", "model name": "EPYC"}, "EPYC (family 99, model 1)"),
        ({"vendor_id": "GenuineIntel", "cpu family": "6", "model": "143", "model name": "Xeon 8480"}, "Xeon 8480 (family 6, model 143)"),
        ({"CPU implementer": "0x41"}, "aarch64"),
        ({}, "aarch64"),
    ],
)
def test_names_of_processors(fields: dict[str, str], name: str) -> None:
    assert machine.cpu_name(fields, "aarch64") == name


def test_caches_for_data_from_the_first_level_on(tmp_path: Path) -> None:
    caches = [("3", "32768K", "Unified"), ("1", "32K", "Data"), ("1", "64K", "Instruction"), ("2", "1280K", "Unified")]
    for i, values in enumerate(caches):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        for name, value in zip(("level", "size", "type"), values, strict=True):
            (folder / name).write_text(f"{value}\n", encoding="ascii")
    assert machine.data_caches(tmp_path) == "L1 32 KB, L2 1.25 MB, L3 32 MB"
    (tmp_path / "index0" / "size").write_text("unknown", encoding="ascii")
    assert machine.data_caches(tmp_path) == ""
    assert machine.data_caches(tmp_path / "none") == ""


def test_the_machine_is_described() -> None:
    described = machine.describe()
    assert [name for name in described if name != "caches"] == [
        "CPU",
        "cores",
        "CPU level",
        "bfloat16",
        "system",
        "Python",
        "NumPy",
        "nncore",
        "date",
    ]
    assert all(described.values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", described["date"])
    if sys.platform == "linux":
        assert available_memory() > 2**20
