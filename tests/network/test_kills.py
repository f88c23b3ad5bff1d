"""A process killed while it saves leaves the older or the newer file, complete, from which the fit resumes with the same bits.

``pytest --slow tests/network/test_kills.py`` kills 100 processes of each kind; ``NNCORE_KILLS=1000`` sets another number.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import nncore as nn

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and locks as on POSIX")

KILLS = int(os.environ.get("NNCORE_KILLS", "100"))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(403, 30)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
EPOCHS = 5


def network() -> nn.Sequential:
    layers = nn.Dense(150, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2)
    return nn.Sequential(*layers).build(30, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), rng=3)


def fit(net: nn.Sequential) -> nn.History:
    """Fit the remaining epochs, and save the best epoch and every third step in the working directory."""
    callbacks = [
        nn.EarlyStopping(monitor="loss", patience=50),
        nn.Checkpoint("best.nncore", monitor="loss"),
        nn.Checkpoint("run.nncore", every_steps=3),
    ]
    return net.fit(X, Y, epochs=EPOCHS - net.n_epochs, batch_size=20, schedule="cosine", callbacks=callbacks, progress=False)


def train() -> None:
    """Runs in a process that is killed: continue from the last file."""
    net = nn.load("run.nncore") if Path("run.nncore").exists() else network()
    print("ready", flush=True)
    fit(net)
    net.save("end.nncore")


def save() -> None:
    """Runs in a process that is killed: write two networks alternately to one file."""
    networks = [nn.load(f"{name}.nncore") for name in ("one", "other")]
    print("ready", flush=True)
    while True:
        for net in networks:
            net.save("net.nncore")


def killed(what: str, folder: Path, seconds: float) -> bool:
    """Whether a process was killed after a given number of seconds of work; False if it had finished."""
    code = "import sys; from network import test_kills; getattr(test_kills, sys.argv[1])()"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", code, what], cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


def no_temporaries(folder: Path) -> bool:
    return not [name for name in os.listdir(folder) if name.startswith(".")]


@pytest.mark.parametrize("kills", [2, pytest.param(KILLS, marks=pytest.mark.slow, id="many")])
def test_a_save_that_is_killed_leaves_one_of_two_whole_files(kills: int, tmp_path: Path) -> None:
    rng, path, left = np.random.default_rng(kills), tmp_path / "net.nncore", 0
    one, other = network(), network()
    other.fit(X, Y, epochs=1, progress=False)
    one.save(tmp_path / "one.nncore")
    other.save(tmp_path / "other.nncore")
    whole = {(tmp_path / f"{name}.nncore").read_bytes() for name in ("one", "other")}
    one.save(path)
    for _ in range(kills):
        assert killed("save", tmp_path, rng.uniform(0, 0.05))
        assert path.read_bytes() in whole
        nn.load(path)
        left += not no_temporaries(tmp_path)
        one.save(tmp_path / "another.nncore")
        assert no_temporaries(tmp_path)
    print(f"{kills} kills, {left} of which left a temporary file")


@pytest.mark.parametrize("kills", [1, pytest.param(KILLS, marks=pytest.mark.slow, id="many")])
def test_training_that_is_killed_goes_on_with_the_same_bits(kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, n_kills, left, n_runs = np.random.default_rng(kills), 0, 0, 0
    folder = tmp_path / "whole"
    folder.mkdir()
    monkeypatch.chdir(folder)
    train()
    wanted = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    while n_kills < kills:
        run = tmp_path / str(n_runs)
        run.mkdir()
        while killed("train", run, rng.uniform(0, 0.3)) and n_kills < kills:
            n_kills += 1
            left += not no_temporaries(run)
            for name in os.listdir(run):
                if not name.startswith("."):
                    nn.load(run / name)
        if not (run / "end.nncore").exists():
            monkeypatch.chdir(run)
            train()
        n_runs += 1
        assert {name: (run / name).read_bytes() for name in os.listdir(run)} == wanted
    print(f"{n_kills} kills in {n_runs} runs, {left} of which left a temporary file")
