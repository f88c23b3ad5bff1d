"""Run checks and import manifests in child processes. A crash, hang or exit then only fails that check."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from typing import IO, Any

from nncore import registry
from nncore.testing.report import Outcome

#: Name of the phase before the first check.
_IMPORT = "import"


@dataclass
class Seen:
    """Report of a child process about a component.

    Attributes
    ----------
    rung : str
        How the component runs: see `nncore.registry.rungs.rung_of`. "broken" if the process ended before that was known.
    outcomes : list of Outcome
        One for each completed check. The last one is a failure if the process ended early.
    """

    rung: str = "broken"
    outcomes: list[Outcome] = field(default_factory=list)


def verify_apart(kind: str, name: str, seconds: float) -> Seen:
    """Run every check of an installed component in a child process, each for at most `seconds`.

    The child process has the same module path and the same blocked plugins as this process.
    """
    blocked = [plugin.distribution for plugin in registry.plugins() if plugin.blocked]
    return _seen_in(["nncore.testing.child", kind, name], blocked, seconds)


def harmful_manifests(seconds: float) -> list[registry.PluginProblem]:
    """Find plugins whose manifest ends the process or takes more than `seconds` when imported. Call it before importing them here.

    One child process imports all manifests. After a harmful one, another process continues with the rest.
    """
    policy = registry.Policy.from_environment()
    waiting = [entry for entry in registry.entries_of_plugins() if not policy.blocks(entry.distribution)]
    problems = []
    while waiting:
        outcomes = _seen_in(["nncore.testing.manifests", *map(str, waiting)], [], seconds).outcomes
        position = next((n for n, entry in enumerate(waiting) if outcomes and str(entry) == outcomes[-1].check), None)
        if position is None:
            break
        harmful = waiting[position]
        message = f"importing its manifest {harmful.entry_point.value}: {outcomes[-1].message}"
        problems.append(registry.PluginProblem(harmful.distribution, harmful.version, harmful.entry_point.name, "import", message))
        waiting = [entry for entry in waiting[position + 1 :] if entry.distribution != harmful.distribution]
    return problems


def _seen_in(module: list[str], blocked: list[str], seconds: float) -> Seen:
    """Run a module as a program in a child process, and collect its report."""
    left_out = ("NNCORE_PLUGINS", "NNCORE_PLUGINS_STRICT")
    environment = {key: value for key, value in os.environ.items() if key not in left_out} | {
        "NNCORE_DISABLE_PLUGINS": ",".join(blocked),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-m", *module]
    with tempfile.TemporaryFile() as errors:
        # A separate session, so that processes of the component can be killed with it.
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8",
            errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            return _watched(process, errors, seconds)
        finally:
            _end(process)


def _watched(process: subprocess.Popen[str], errors: IO[bytes], seconds: float) -> Seen:
    """Read the report of a process until it ends, or is silent for too long."""
    seen, under_way = Seen(), _IMPORT
    for message in _messages(process, seconds):
        if message is None:
            seen.outcomes.append(Outcome(under_way, "failed", f"it was still running after {seconds:g} s, and was ended"))
            return seen
        if "rung" in message:
            seen.rung = message["rung"]
        elif "begins" in message:
            under_way = message["begins"]
        elif "outcome" in message:
            seen.outcomes.append(Outcome(**message["outcome"]))
        else:
            return seen
    seen.outcomes.append(Outcome(under_way, "failed", _how_it_ended(process.wait(), errors)))
    return seen


def _messages(process: subprocess.Popen[str], seconds: float) -> Any:
    """Yield the messages of a process until its end; None, once, if there is no message for `seconds`."""
    lines: queue.Queue[str | None] = queue.Queue()
    stdout = process.stdout
    assert stdout is not None, "it was started with a pipe"

    def read() -> None:
        with stdout:
            for line in stdout:
                lines.put(line)
        lines.put(None)

    def wait() -> None:  # processes of the component may keep the pipe open
        process.wait()
        reader.join(1)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    threading.Thread(target=wait, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=seconds)
        except queue.Empty:
            yield None
            return
        if line is None:
            return
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict):
                yield message


def _how_it_ended(code: int, errors: IO[bytes]) -> str:
    """Describe an exit code, with the last line of the process's errors."""
    if code < 0:
        try:
            how = f"its process was ended by {signal.Signals(-code).name}"
        except ValueError:
            how = f"its process was ended by signal {-code}"
    else:
        how = f"its process ended with exit code {code if code < 2**16 else hex(code)}"
    errors.seek(0)
    complaint = errors.read().decode(errors="replace").strip().splitlines()
    return f"{how}: {complaint[-1]:.300}" if complaint else how


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the process and its children, in any state."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
