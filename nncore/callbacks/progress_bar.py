"""Show the progress of a fit."""

from __future__ import annotations

import html
import importlib
import math
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from nncore.arguments import shown
from nncore.errors import ParameterError
from nncore.plugin import Callback

if TYPE_CHECKING:
    from rich.console import Console

#: Seconds between lines without a terminal.
LINE_INTERVAL = 1.0


class ProgressBar(Callback):
    """Show a progress bar in a notebook or a terminal (extra ``progress``: rich), and plain lines elsewhere.

    Parameters
    ----------
    delay : float, default 0.5
        Show nothing before this many seconds, so that a quick fit shows no bar.
    stream : text file, optional
        File to write to. None is the cell's output in a notebook, else standard error.
    """

    reports = True
    ranges = {"delay": "[0, inf)"}

    def __init__(self, delay: float = 0.5, stream: TextIO | None = None) -> None:
        self.delay = delay
        self.stream = stream
        if stream is not None and not callable(getattr(stream, "write", None)):
            raise ParameterError(f"ProgressBar: stream must be an open text file, got {shown(stream)}")
        self._start = 0.0
        self._display: _Display | None = None

    def on_fit_begin(self, training: Any) -> None:
        self._start = monotonic()
        self._display = None

    def on_progress(self, training: Any) -> None:
        display, elapsed = self._shown()
        if display is not None:
            display.update(training.fraction, training.status, _remaining(elapsed, training.fraction))

    def on_fit_end(self, training: Any) -> None:
        display, elapsed = self._shown()
        if display is not None:
            stopped_early = len(training.history) < training.n_epochs
            reason = f"ended early: {training.history.stop_reason}" if stopped_early else ""
            display.close(training.fraction, training.status, f"{_clock(elapsed)} in all", reason)
            self._display = None

    def _shown(self) -> tuple[_Display | None, float]:
        """The display, opened once the fit has lasted long enough, and how long that is."""
        elapsed = monotonic() - self._start
        if self._display is None and elapsed >= self.delay:
            self._display = _open_display(self.stream)
        return self._display, elapsed


def _clock(seconds: float) -> str:
    """``"0:07"``, ``"1:02:03"``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _remaining(elapsed: float, fraction: float) -> str:
    return f"{_clock(elapsed * (1 - fraction) / fraction)} left" if fraction > 0 else ""


class _Display(Protocol):
    """The stream where progress is shown."""

    def update(self, fraction: float, status: str, remaining: str) -> None: ...

    def close(self, fraction: float, status: str, outcome: str, reason: str) -> None: ...


def _open_display(stream: TextIO | None) -> _Display | None:
    """A cell's output in a notebook; a bar in a terminal that can move its cursor if rich is there; else lines."""
    if stream is None and _in_notebook():
        return _Cell()
    stream = stream or sys.stderr
    if stream is None:  # pythonw has no standard error
        return None
    if stream.isatty():
        try:
            from rich.console import Console
        except ModuleNotFoundError:
            return _Lines(stream)
        console = Console(file=stream, force_jupyter=False)
        if not console.is_dumb_terminal:
            return _Bar(console)
    return _Lines(stream)


def _in_notebook() -> bool:
    """Whether a kernel runs this, which is never without IPython: Jupyter, VS Code, Colab."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


class _Cell:
    """A cell output that is replaced. It is HTML, which every notebook shows, also a saved one; widgets need an extension."""

    def __init__(self) -> None:
        self._handle: Any = None

    def update(self, fraction: float, status: str, remaining: str) -> None:
        self._show(fraction, [status, remaining])

    def close(self, fraction: float, status: str, outcome: str, reason: str) -> None:
        self._show(fraction, [status, outcome, reason])

    def _show(self, fraction: float, texts: list[str]) -> None:
        texts = [text for text in texts if text]
        cells = "".join(f"<span style='margin-left:1em'>{html.escape(text)}</span>" for text in texts)
        output = {
            "text/plain": "  ".join([f"{100 * fraction:3.0f} %", *texts]),
            "text/html": f"<div style='white-space:pre-wrap'><progress value='{fraction:.4f}' max='1'></progress>{cells}</div>",
        }
        if self._handle is None:
            self._handle = importlib.import_module("IPython.display").display(output, raw=True, display_id=True)
        else:
            self._handle.update(output, raw=True)


class _Bar:
    """A line that overwrites itself."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        # Metric names are text, not markup. The fit calls often enough: a refreshing thread would only take its core.
        status = TextColumn("{task.description}", markup=False)
        time = TextColumn("{task.fields[time]}", markup=False)
        # What a callback prints goes above the bar, but not if standard output is a file that is waiting for it.
        redirect = sys.stdout is not None and sys.stdout.isatty()
        columns = (BarColumn(bar_width=24), status, time)
        self._progress = Progress(*columns, console=console, auto_refresh=False, redirect_stdout=redirect)
        self._task = self._progress.add_task("", total=1.0, time="")

    def update(self, fraction: float, status: str, remaining: str) -> None:
        self._progress.update(self._task, completed=fraction, description=status, time=remaining)
        self._progress.start()  # only the first call does something: so the first frame has its text
        self._progress.refresh()

    def close(self, fraction: float, status: str, outcome: str, reason: str) -> None:
        self.update(fraction, status, outcome)
        self._progress.stop()
        if reason:
            self._progress.console.print(reason, markup=False, highlight=False)


class _Lines:
    """A line now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = -math.inf

    def update(self, fraction: float, status: str, remaining: str) -> None:
        now = monotonic()
        if now - self._last >= LINE_INTERVAL:
            self._last = now
            self._write(f"{100 * fraction:3.0f} %  {status}  {remaining}")

    def close(self, fraction: float, status: str, outcome: str, reason: str) -> None:
        self._write(f"{100 * fraction:3.0f} %  {status}  {outcome}")
        if reason:
            self._write(reason)

    def _write(self, line: str) -> None:
        self._stream.write(line.rstrip() + "\n")
        self._stream.flush()
