"""Ctrl-C and SIGTERM in every command, in a separate process: no traceback, the right exit code, complete files."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.cli import COMMANDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

#: Arguments of each command, so that it takes a while.
ARGUMENTS = {
    "demo": ["--epochs", "100000", "--out", "demo.png"],
    "train": ["data.csv", "--target", "y", "--epochs", "100000", "--patience", "100000", "--out", "out.nncore", "--report", "out.html"],
    "predict": ["model.nncore", "data.csv", "--out", "answers.csv"],
    "quantize": ["model.nncore", "data.csv", "--out", "small.nncore"],
    "export": ["model.nncore", "--to", "model.py"],
    "info": [],
    "plugins": ["--verify"],
    "new_plugin": ["optimizer", "interrupted"],
    "bench": [],
    "completion": ["bash"],
}

#: A program that gets a signal when it first imports a module.
AT_IMPORT = """
import os, sys

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {number})

sys.meta_path.insert(0, Press())
from nncore.cli import main
sys.exit(main({arguments!r}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a table and a network trained on it."""
    folder, rng = tmp_path_factory.mktemp("commands"), np.random.default_rng(0)
    with (folder / "data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "y"])
        writer.writerows([f"{a:.3f}", f"{b:.3f}", "u" if a * b > 0 else "v"] for a, b in rng.normal(size=(3000, 2)))
    train = ["train", "data.csv", "--target", "y", "--epochs", "1", "--out", "model.nncore", "--quiet"]
    subprocess.run([sys.executable, "-m", "nncore", *train], cwd=folder, check=True, capture_output=True)
    return folder


def checked(folder: Path, before: set[str], code: int, errors: str, expected: int) -> None:
    """Check that the command was done before the signal or ended correctly, and left no partial file."""
    assert code in (0, expected), (code, errors)
    assert "Traceback" not in errors
    new = set(os.listdir(folder)) - before
    assert not any(name.startswith(".") for name in new), new
    if "out.nncore" in new:
        nn.load(folder / "out.nncore").predict(np.zeros((1, 2)))
    for name in new:
        path = folder / name
        if path.is_file():
            path.unlink()
        else:
            shutil.rmtree(path)  # the plugin, which the next command would not write over


def test_every_command_is_interrupted_here() -> None:
    assert set(ARGUMENTS) == set(COMMANDS)


@pytest.mark.parametrize("module", ["numpy", "nncore.cli.train"])
def test_ctrl_c_while_a_command_is_imported(module: str, folder: Path) -> None:
    script = AT_IMPORT.format(module=module, number=int(signal.SIGINT), arguments=["train", "data.csv", "--target", "y"])
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "nncore: interrupted\n")


#: A program that gets a signal while Python shuts down and its signal handlers are gone.
AT_THE_END = """
import builtins, os, signal, sys
from nncore.cli import main

class Press:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

builtins.kept = Press()
sys.argv = ["nncore", "--version"]
sys.exit(main())
"""


def test_ctrl_c_while_python_ends_is_too_late() -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"nncore {nn.__version__}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("module", ["numpy", "nncore.network.training", "nncore.cli.report"])
def test_a_signal_at_an_import(command: str, number: signal.Signals, module: str, folder: Path) -> None:
    before, name = set(os.listdir(folder)), command.replace("_", "-")
    script = AT_IMPORT.format(module=module, number=int(number), arguments=[name, *ARGUMENTS[command]])
    process = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _, errors = process.communicate(timeout=3)
    except subprocess.TimeoutExpired:  # the command does not import that, and continues
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    code = -number if process.returncode == -number and number == signal.SIGTERM else {signal.SIGINT: 130}.get(number, 143)
    checked(folder, before, process.returncode, errors, code)


#: A program that prints when it is about to begin.
AT_START = """
import sys
from nncore.cli import main
sys.argv = ["nncore", *{arguments!r}]
print("begins", flush=True)
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.5, 3.0])
def test_a_signal_some_time_after_the_start(command: str, number: signal.Signals, seconds: float, folder: Path) -> None:
    before, name = set(os.listdir(folder)), command.replace("_", "-")
    script = AT_START.format(arguments=[name, *ARGUMENTS[command]])
    process = subprocess.Popen([sys.executable, "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    time.sleep(seconds)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    code = -number if process.returncode == -number and number == signal.SIGTERM else {signal.SIGINT: 130}.get(number, 143)
    checked(folder, before, process.returncode, errors, code)
