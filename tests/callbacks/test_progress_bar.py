from __future__ import annotations

import io
import re
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import nncore as nn
from nncore.callbacks import progress_bar
from nncore.callbacks.progress_bar import ProgressBar, _clock
from nncore.contract import History
from nncore.training import Training


class Fit(SimpleNamespace):
    """The parts of a fit that a progress bar reads."""

    status = Training.status
    wait_share = 0.0


class Terminal(io.StringIO):
    """A stream that reports that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only the test advances."""
    now = SimpleNamespace(seconds=5.0)
    monkeypatch.setattr(progress_bar, "monotonic", lambda: now.seconds)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return now


def fit(bar: ProgressBar, clock: SimpleNamespace, *, seconds: float, epochs: int = 4, planned: int = 4, name: str = "val_loss") -> History:
    """A fit of some seconds, which calls its callbacks every 50 ms."""
    history = History()
    training = Fit(history=history, epoch=1, n_epochs=planned, fraction=0.0, loss=float("nan"))
    bar.on_fit_begin(training)
    looks = max(1, round(seconds / 0.05 / epochs))
    for epoch in range(1, epochs + 1):
        training.epoch = epoch
        for look in range(1, looks + 1):
            clock.seconds += seconds / epochs / looks
            training.fraction = (epoch - 1 + look / looks) / planned
            training.loss = 1 / (epoch + look / looks)
            bar.on_progress(training)
        history.append(loss=training.loss, **{name: 0.5 / epoch}, seconds=seconds / epochs)
        bar.on_epoch_end(training)
    history.stop_reason = "all epochs done" if epochs == planned else "it was enough"
    bar.on_fit_end(training)
    return history


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_short_fit_is_silent(clock: SimpleNamespace, stream: io.StringIO):
    fit(ProgressBar(stream=stream), clock, seconds=0.4)
    assert stream.getvalue() == ""


def test_lines_where_there_is_no_terminal(clock: SimpleNamespace):
    stream = io.StringIO()
    fit(ProgressBar(stream=stream), clock, seconds=8.0)
    lines = stream.getvalue().splitlines()
    assert len(lines) in (8, 9)  # one a second from half a second on, and the last
    assert re.fullmatch(r"  \d %  epoch 1/4  loss 0\.\d+  0:\d\d left", lines[0])
    assert re.fullmatch(r" 5\d %  epoch 3/4  loss 0\.\d+  val_loss 0\.25  0:0\d left", lines[4])
    assert lines[-1] == "100 %  epoch 4/4  loss 0.2  val_loss 0.125  0:08 in all"
    assert sum("100 %" in line for line in lines) == 1


def test_an_early_end_says_why(clock: SimpleNamespace):
    stream = io.StringIO()
    fit(ProgressBar(stream=stream), clock, seconds=2.0, epochs=2)
    lines = stream.getvalue().splitlines()
    assert lines[-2].startswith(" 50 %  epoch 2/4")
    assert lines[-1] == "ended early: it was enough"


def test_a_bar_in_a_terminal(clock: SimpleNamespace):
    stream = Terminal()
    fit(ProgressBar(stream=stream), clock, seconds=2.0, epochs=2, name="val_[bold]score")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "━" in text
    assert "epoch 1/4" in text
    assert "0:03 left" in text
    assert "val_[bold]score 0.25" in text
    assert "0:02 in all" in text
    assert text.rstrip().endswith("ended early: it was enough")
    assert stream.getvalue().count("\x1b[?25h") == 1  # the cursor is visible again


def test_lines_in_a_terminal_without_rich(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    stream = Terminal()
    fit(ProgressBar(stream=stream), clock, seconds=2.0)
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().endswith("0:02 in all\n")


def test_lines_in_a_terminal_that_cannot_overwrite(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    fit(ProgressBar(stream=stream), clock, seconds=2.0)
    assert "\x1b" not in stream.getvalue()
    assert re.match(r" \d\d %  epoch 2/4 ", stream.getvalue())


def test_what_a_callback_prints_to_a_file_stays_there(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    stream = Terminal()
    bar = ProgressBar(delay=0, stream=stream)
    training = Fit(history=History(), epoch=1, n_epochs=1, fraction=0.5, loss=1.0)
    bar.on_fit_begin(training)
    bar.on_progress(training)
    print("mine")
    bar.on_fit_end(training)
    assert output.getvalue() == "mine\n"
    assert "mine" not in stream.getvalue()


def test_a_bar_can_be_used_again(clock: SimpleNamespace):
    stream = Terminal()
    bar = ProgressBar(stream=stream)
    fit(bar, clock, seconds=2.0)
    fit(bar, clock, seconds=2.0)
    assert stream.getvalue().count("0:02 in all") >= 2


def test_standard_error_is_the_default(clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]):
    fit(ProgressBar(), clock, seconds=2.0)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 4/4" in captured.err


def test_a_program_without_standard_error_is_left_alone(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert len(fit(ProgressBar(), clock, seconds=2.0)) == 4


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599, "59:59"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str):
    assert _clock(seconds) == text


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_fit_is_shown_to_its_end(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    X = np.random.default_rng(0).normal(size=(20, 3))
    network = nn.Sequential(nn.Dense(1))
    bar = ProgressBar(delay=0, stream=stream)
    network.fit(X, X[:, 0], loss="mse", metrics=["r2"], epochs=3, rng=0, validation=(X, X[:, 0]), progress=False, callbacks=[bar])
    assert re.search(r"epoch 3/3  loss \S+  val_loss \S+  val_r2 \S+ +0:00 in all", stream.getvalue())
    assert "ended early" not in stream.getvalue()


def test_a_short_fit_with_progress_is_silent(capfd: pytest.CaptureFixture[str]):
    nn.Sequential(nn.Dense(1)).fit(np.zeros((2, 1)), np.zeros(2), loss="mse", epochs=1, rng=0, progress=True)
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """A stand-in for a kernel's IPython that stores every state of its one output."""
    outputs: list[dict[str, str]] = []

    class Handle:
        def update(self, output: dict[str, str], raw: bool) -> None:
            assert raw
            outputs.append(output)

    def display(output: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        assert not outputs
        outputs.append(output)
        return Handle()

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return outputs


def test_one_output_in_a_notebook(clock: SimpleNamespace, notebook: list[dict[str, str]], capsys: pytest.CaptureFixture[str]):
    fit(ProgressBar(), clock, seconds=2.0, epochs=2, name="val_<b>score")
    assert capsys.readouterr() == ("", "")
    assert len(notebook) > 20
    assert re.match(r"<div [^>]*><progress value='0.\d+' max='1'></progress><span [^>]*>epoch 1/4  loss 0", notebook[0]["text/html"])
    assert re.fullmatch(r" \d\d %  epoch 1/4  loss 0\.\d+  0:0\d left", notebook[0]["text/plain"])
    assert "val_&lt;b&gt;score 0.25" in notebook[-1]["text/html"]
    assert notebook[-1]["text/plain"].endswith("0:02 in all  ended early: it was enough")


def test_a_stream_that_was_asked_for_is_written_to_in_a_notebook_too(clock: SimpleNamespace, notebook: list[dict[str, str]]):
    stream = io.StringIO()
    fit(ProgressBar(stream=stream), clock, seconds=2.0)
    assert "epoch 4/4" in stream.getvalue()
    assert not notebook


def test_a_short_fit_in_a_notebook_is_silent(clock: SimpleNamespace, notebook: list[dict[str, str]]):
    fit(ProgressBar(), clock, seconds=0.4)
    assert not notebook


@pytest.mark.parametrize(
    "shell", [None, SimpleNamespace(), SimpleNamespace(kernel=None)], ids=["imported only", "in a terminal", "no kernel"]
)
def test_ipython_without_a_kernel_is_no_notebook(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: object
):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    fit(ProgressBar(), clock, seconds=2.0)
    assert "epoch 4/4" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_notebook_shows_it():
    """A notebook executed by a kernel shows the bar in the output of its cell."""
    nbformat = pytest.importorskip("nbformat", reason="nbclient, ipykernel (extra test) execute it")
    nbclient = pytest.importorskip("nbclient", reason="nbclient, ipykernel (extra test) execute it")
    pytest.importorskip("ipykernel", reason="nbclient, ipykernel (extra test) execute it")
    code = """
        import numpy as np, nncore as nn
        X = np.random.default_rng(0).normal(size=(20000, 64))
        print("before")
        nn.Sequential(nn.Dense(256, activation="relu"), nn.Dense(1)).fit(X, X[:, 0], loss="mse", epochs=8, rng=0);
        print("after")
    """
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(code))])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    before, shown, after = book.cells[0].outputs
    assert (before["text"], after["text"]) == ("before\n", "after\n")
    assert shown["data"]["text/html"].startswith("<div style='white-space:pre-wrap'><progress value='1.0000' max='1'>")
    assert re.fullmatch(r"100 %  epoch 8/8  loss \S+  0:0\d in all", shown["data"]["text/plain"])


@pytest.mark.parametrize(("share", "shown"), [(0.0, ""), (0.19, ""), (0.4, "  waiting 40%")])
def test_waiting_for_a_stream_is_shown_where_it_holds_up_the_fit(share: float, shown: str) -> None:
    assert Fit(history=History(), epoch=1, n_epochs=2, loss=0.5, wait_share=share).status == "epoch 1/2  loss 0.5" + shown
