"""The thread pool: teams of several callers at once, forked processes, and checks by the thread sanitizer."""

from __future__ import annotations

import copy
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import BusyError
from nncore.plugin import Activation, Callback
from nncore.program.threads import usable_cpus
from nncore.testing import team_of

CORE = Path(__file__).parents[2] / "nncore" / "_core"
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(700, 6)).astype(np.float32), RNG.integers(3, size=700)

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def network(rng: int = 0) -> nn.Sequential:
    layers = nn.Dense(70, activation="relu"), nn.BatchNorm(), nn.Dense(70, activation="tanh"), nn.Dense(3)
    return nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=rng)


def trained(rng: int = 0) -> np.ndarray:
    """Parameters after some epochs on many rows and on few."""
    net = network(rng)
    net.fit(X, Y, epochs=2, batch_size=300, progress=False)
    net.fit(X[:50], Y[:50], epochs=3, batch_size=8, progress=False)
    return net.parameters.copy()


def at_once(functions: list[Callable[[], np.ndarray]]) -> list[np.ndarray]:
    """Results of the functions, called at the same time from one Python thread each."""
    begin, results = threading.Barrier(len(functions)), [np.empty(0)] * len(functions)

    def run(i: int) -> None:
        begin.wait()
        results[i] = functions[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_networks_trained_at_once_have_the_bits_of_training_alone() -> None:
    with team_of(1):
        alone = [trained(rng) for rng in range(3)]
    for n_parts in (2, 3):
        with team_of(n_parts):
            for parameters, expected in zip(at_once([lambda rng=rng: trained(rng) for rng in range(3)]), alone, strict=True):
                np.testing.assert_array_equal(parameters, expected)


@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_one_network_predicts_in_several_threads_at_once(n_parts: int) -> None:
    rng = np.random.default_rng(0)
    net, inputs = network(), [rng.normal(size=(n, 6)).astype(np.float32) for n in (1, 7, 500, 3000)]
    expected = [net.predict(x) for x in inputs]

    def predictions(x: np.ndarray) -> np.ndarray:
        return np.stack([net.predict(x) for _ in range(20)])

    with team_of(n_parts):
        for found, y in zip(at_once([lambda x=x: predictions(x) for x in inputs]), expected, strict=True):
            np.testing.assert_array_equal(found, np.broadcast_to(y, found.shape))


class InPython(Activation):
    """A component without a kernel, for which each thread needs the interpreter while it holds the network."""

    def forward(self, z: np.ndarray) -> np.ndarray:
        time.sleep(0)  # lets another thread take the interpreter
        return np.tanh(z)

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a * (1 - a * a)


def test_threads_that_share_a_network_with_python_in_it_do_not_wait_for_each_other_for_ever() -> None:
    net = nn.Sequential(nn.Dense(20, activation=InPython()), nn.Dense(3)).build(6, rng=0)
    expected = net.predict(X)
    for found in at_once([lambda: np.stack([net.predict(X) for _ in range(30)])] * 3):
        np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))


def test_threads_predict_and_evaluate_while_one_fits() -> None:
    net, reference = network(), network()
    reference.fit(X, Y, epochs=5, batch_size=50, rng=0, progress=False)

    def fit() -> np.ndarray:
        net.fit(X, Y, epochs=5, batch_size=50, rng=0, progress=False)
        return net.parameters.copy()

    fitted, *others = at_once([fit, lambda: net.predict(X), lambda: np.array(net.evaluate(X, Y)["loss"])])
    np.testing.assert_array_equal(fitted, reference.parameters)
    assert all(np.isfinite(other).all() for other in others)


def test_a_second_thread_that_fits_a_network_is_refused_and_changes_nothing() -> None:
    net, reference, refusals = network(), network(), []
    reference.fit(X, Y, epochs=2, rng=0, progress=False)

    class Second(Callback):
        def on_epoch_end(self, training: Any) -> None:
            def fit() -> None:
                try:
                    net.fit(X, Y, optimizer="sgd", epochs=1, progress=False)
                except BusyError as error:
                    refusals.append(str(error))

            thread = threading.Thread(target=fit)
            thread.start()
            thread.join()

    net.fit(X, Y, epochs=2, rng=0, progress=False, callbacks=[Second()])
    assert len(refusals) == 2
    assert all(refusal.startswith("fit: this network is being fitted by another call") for refusal in refusals)
    np.testing.assert_array_equal(net.parameters, reference.parameters)
    assert type(net.optimizer) is nn.Adam
    net.fit(X, Y, epochs=1, progress=False)  # it is free again


def test_a_copy_made_during_a_fit_is_free() -> None:
    copies = []

    class Copy(Callback):
        def on_epoch_end(self, training: Any) -> None:
            copies.append(copy.deepcopy(training.network))

    network().fit(X, Y, epochs=1, progress=False, callbacks=[Copy()])
    for thread_result in at_once([lambda: copies[0].fit(X, Y, epochs=1, progress=False)["loss"]]):
        assert np.isfinite(thread_result).all()


# ---- other processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def parent() -> np.ndarray:
    """The parameters of a network that this process has trained with two threads, so that the pool is not empty."""
    with team_of(2):
        return trained()


def exit_code(process_id: int) -> int:
    """Exit code of a child process, which gets half a minute to finish."""
    for _ in range(3000):
        finished, status = os.waitpid(process_id, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process_id, signal.SIGKILL)
    os.waitpid(process_id, 0)
    raise AssertionError("the child hangs")


def train_in_child(expected: np.ndarray) -> None:
    """Exit with 0 if training with two threads gives the same bits as in the parent."""
    with team_of(2):
        os._exit(0 if np.array_equal(trained(), expected) else 1)


@needs_fork
def test_a_forked_child_trains_with_threads_of_its_own(parent: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns that forking with threads may hang, which is what is tested
        child = os.fork()
    if child == 0:
        train_in_child(parent)
    assert exit_code(child) == 0
    with team_of(2):
        np.testing.assert_array_equal(trained(), parent)


@needs_fork
def test_a_process_of_multiprocessing_that_forks_trains_with_threads_of_its_own(parent: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = multiprocessing.get_context("fork").Process(target=train_in_child, args=(parent,))
        process.start()
    process.join(30)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0


def test_workers_of_joblib_train_with_their_share_of_the_processors(parent: np.ndarray) -> None:
    joblib = pytest.importorskip("joblib")
    x, y = X, Y

    def train(seed: int) -> tuple[np.ndarray, int, int]:  # defined here, so that it is pickled by value: workers cannot import the tests
        layers = nn.Dense(70, activation="relu"), nn.Dense(3)
        net = nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="adam", rng=seed)
        net.fit(x, y, epochs=2, batch_size=300, progress=False)
        return net.parameters.copy(), nn.get_num_threads(), int(os.environ.get("OMP_NUM_THREADS", 0))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of loky, about cleaning up
        results = joblib.Parallel(n_jobs=2)(joblib.delayed(train)(seed) for seed in range(3))
    for seed, (parameters, n_threads, n_given) in enumerate(results):
        np.testing.assert_array_equal(parameters, train(seed)[0])
        assert n_threads == min(n_given, usable_cpus())


def test_a_process_ends_while_its_pool_sleeps() -> None:
    script = "from _core.test_threads import trained, team_of\nwith team_of(3):\n    trained()\nprint('trained')"
    folder = Path(__file__).parents[1]
    path = os.pathsep.join([str(folder), str(folder.parent)])
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr


# ---- the sanitizer ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (CORE / "threads.c").exists(), reason="installed without its sources")
@pytest.mark.parametrize(
    ("name", "others"),
    [
        pytest.param("threads", (), marks=pytest.mark.slow),  # part of a crew
        pytest.param("waiting", (), marks=pytest.mark.slow),
        ("crew", ("threads", "clock")),
    ],
)
def test_the_thread_sanitizer_finds_no_race(name: str, others: tuple[str, ...], tmp_path: Path) -> None:
    compiler, program = shlex.split(sysconfig.get_config_var("CC") or "cc"), tmp_path / "program"
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"there is no compiler {compiler[0]}")
    sources = [*(str(CORE / f"{source}.c") for source in (name, *others)), str(Path(__file__).with_name(f"{name}_program.c"))]
    flags = ["-std=c11", "-O1", "-g", "-fsanitize=thread", "-pthread", "-I", str(CORE), "-o", str(program)]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # another sanitizer, in `make asan`
    compiled = subprocess.run([*compiler, *flags, *sources], env=environment, capture_output=True, text=True)
    if compiled.returncode != 0:
        pytest.skip(f"{compiler[0]} has no thread sanitizer: {compiled.stderr[-300:]}")
    done = subprocess.run([str(program)], env=environment, capture_output=True, text=True, timeout=120)
    if "FATAL: ThreadSanitizer" in done.stderr:
        pytest.skip(f"the sanitizer cannot run here: {done.stderr[:300]}")
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


# ---- crashes and other signals ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (CORE / "threads.c").exists(), reason="installed without its sources")
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_is_told_of_its_own_crashes_and_of_nothing_else(tmp_path: Path) -> None:
    compiler, program = shlex.split(sysconfig.get_config_var("CC") or "cc"), tmp_path / "program"
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"there is no compiler {compiler[0]}")
    sources = [str(CORE / "threads.c"), str(Path(__file__).with_name("signals_program.c"))]
    flags = ["-std=c11", "-O1", "-pthread", "-I", str(CORE), "-o", str(program)]
    subprocess.run([*compiler, *flags, *sources], check=True, capture_output=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


CRASH = """
import faulthandler, sys
from pathlib import Path
import numpy as np
import nncore as nn
from nncore.testing import team_of
from testing.fixtures.site import installed

faulthandler.enable()
with installed(Path(sys.argv[1]), "nncore-crashing"):
    net = nn.Sequential(nn.Dense(8, activation="nncore-crashing/crashing")).build(4, rng=0)
    for n_parts in (1, 3):
        with team_of(n_parts):
            net.predict(np.ones((3000, 4)))
        print(n_parts, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.skipif(shutil.which(shlex.split(sysconfig.get_config_var("CC") or "cc")[0]) is None, reason="there is no compiler")
def test_faulthandler_reports_a_plugin_that_crashes_in_a_worker(tmp_path: Path) -> None:
    folder = Path(__file__).parents[1]
    path = os.pathsep.join([str(folder), str(folder.parent)])
    sanitizers = {name: f"{os.environ.get(name, '')}:handle_segv=0" for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}  # otherwise they catch it
    environment = os.environ | {"PYTHONPATH": path} | sanitizers
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "1\n"), done.stderr
    assert "Fatal Python error: Segmentation fault" in done.stderr
