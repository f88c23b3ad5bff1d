from __future__ import annotations

import sys

import pytest
from bench.samples import results

from nncore.bench import summary, tables
from nncore.bench.tables import Entry


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5.97e-9, "0.00597"), (0.2874e-6, "0.287"), (12.94e-6, "12.9"), (999.4e-6, "999"), (999.6e-6, "1000"), (0.07345, "73450")],
)
def test_microseconds(seconds: float, text: str) -> None:
    assert tables.microseconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5e-9, "0.005 µs"), (12.94e-6, "12.9 µs"), (-3e-6, "-3 µs"), (999.6e-6, "1 ms"), (0.12345, "123 ms"), (4.5678, "4.57 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert tables.duration(seconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.984, "0.98×"), (9.99, "9.99×"), (9.996, "10.0×"), (99.9, "99.9×"), (99.96, "100×"), (1435, "1435×")]
)
def test_times(ratio: float, text: str) -> None:
    assert tables.times(ratio) == text


@pytest.mark.parametrize(("fraction", "text"), [(1.414, "141 %"), (0.85, "85 %"), (0.0096, "1 %"), (0.0034, "0.3 %")])
def test_percent(fraction: float, text: str) -> None:
    assert summary.percent(fraction) == text


def test_entries() -> None:
    header, small, large, *_ = tables.entries(results().training, judged=True)
    assert [entry.text for entry in header] == ["net", "batch", "threads", "limit", "nncore", "of limit", "torch", "jax"]
    assert [entry.text for entry in small] == ["4-16-3", "32", "1", "1", "2", "50 %", "200 (100×)", "1 (0.50×)"]
    assert [entry.bad for entry in small] == [False] * 7 + [True]
    assert large[5:] == [Entry("50 %", bad=True), Entry("4400 (1.10×)"), Entry("–")]


def test_only_training_on_one_thread_is_judged_by_the_limit() -> None:
    _, _, large, _, large_on_two = tables.entries(results().training, judged=True)
    assert (large[5].bad, large_on_two[5].bad) == (True, False)
    assert not any(row[5].bad for row in tables.entries(results().training))


ROWS = [[Entry("net"), Entry("torch")], [Entry("4-3"), Entry("12 (0.9×)", bad=True)], [Entry("784-10"), Entry("3 (1.2×)")]]


def test_plain() -> None:
    assert tables.plain(ROWS).splitlines() == [
        "net           torch",
        "------  -----------",
        "4-3     12 (0.9×) !",
        "784-10     3 (1.2×)",
    ]


def test_markdown() -> None:
    assert tables.markdown(ROWS).splitlines() == [
        "| net | torch |",
        "| --- | ---: |",
        "| 4-3 | **12 (0.9×)** |",
        "| 784-10 | 3 (1.2×) |",
    ]


def test_shown_plainly_where_there_is_no_terminal_or_no_rich(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    tables.show("title", ROWS)
    assert capsys.readouterr().out == f"\ntitle\n\n{tables.plain(ROWS)}\n"
    monkeypatch.setitem(sys.modules, "rich.box", None)
    tables.show("title", ROWS)
    assert capsys.readouterr().out == f"\ntitle\n\n{tables.plain(ROWS)}\n"


def test_shown_in_colour_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    tables.show("title", ROWS)
    shown = capsys.readouterr().out
    assert "\x1b[1;31m" in shown
    assert "12 (0.9×)" in shown
