"""Everything runs in threads with a small stack, since no function uses much of it."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent

#: Each layer, each loss and each optimizer once; products so large that they are packed.
PROGRAM = """
import sys, threading, warnings
sys.path.insert(0, sys.argv[2])
warnings.simplefilter("ignore")
import numpy as np, nncore as nn
from components import layers, losses
from nncore import registry
from nncore.contract import activation_for
from nncore.estimators import MLPRegressor
from nncore.testing.losses import example
from nncore.testing.widths import outputs_for

def train(*network, X, y, loss="mse", optimizer="sgd", dtype="float32"):
    net = nn.Sequential(*network)
    net.fit(X, y, loss=loss, optimizer=optimizer, epochs=1, batch_size=len(X), progress=False, dtype=dtype, validation=(X, y))
    net.predict(X)

def run():
    X = np.random.default_rng(0).normal(size=(600, 300))
    for dtype in ("float32", "float64"):
        train(nn.Dense(300), nn.Dense(1), X=X, y=X[:, 0], dtype=dtype)
        for name in registry.names("optimizers"):
            train(nn.Dense(20), nn.Dense(1), X=X[:, :20], y=X[:, 0], optimizer=name, dtype=dtype)
        for loss in losses():
            for n_outputs in {outputs_for(loss, 2), outputs_for(loss, 12)}:
                for target in example(loss, 600, n_outputs, np.float64)[1:]:
                    if target is not None:
                        train(nn.Dense(n_outputs, activation=activation_for(loss, n_outputs)), X=X[:, :9], y=target, loss=loss, dtype=dtype)
        for layer in layers():
            has_own = not getattr(layer, "share_training_batches", True)
            end = [nn.MemberHeads(1), nn.MeanMembers()] if has_own else [nn.Flatten(), nn.Dense(1)]
            train(layer, *end, X=np.abs(np.round(X[:, :4])), y=X[:, 0], dtype=dtype)
    MLPRegressor(solver="lbfgs", max_iter=3).fit(X, X[:, 0])

if sys.argv[1] == "thread":
    threading.stack_size(64 * 1024)
    failed = []
    threading.excepthook = failed.append
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed
else:
    run()
print("done")
"""


def run(*arguments: str) -> None:
    done = subprocess.run([*arguments], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:] or f"ended with {done.returncode}"
    assert done.stdout.endswith("done\n")


@pytest.mark.slow
def test_a_thread_of_64_kilobytes() -> None:
    run(sys.executable, "-c", PROGRAM, "thread", str(TESTS))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no ulimit")
def test_a_process_of_256_kilobytes() -> None:
    run("sh", "-c", 'ulimit -s 256 && exec "$0" "$@"', sys.executable, "-c", PROGRAM, "main", str(TESTS))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_no_function_keeps_much_on_the_stack(tmp_path: Path) -> None:
    """No function of a kernel uses much stack, at the lowest and the newest CPU level, in the core and in plugins."""
    build = runpy.run_path(str(ROOT / "setup.py"))
    plugins = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "plugins").glob("*/*/*.c"))]
    flags = ["-std=c11", "-O2", "-fPIC", "-Inncore/include", "-Inncore/_core", "-Wframe-larger-than=16384"]
    levels = build["cpu_levels"]()
    for level in dict.fromkeys([next(iter(levels)), list(levels)[-1]]):
        sources = [(source, build["kernel_flags"](source, level, levels)) for source in build["kernel_sources"]()]
        sources += [(source, [*build["KERNEL_FLAGS"], "-O3", *levels[level]]) for source in plugins]
        assert len(sources) > 40
        for source, chosen in sources:
            command = ["cc", *flags, *chosen, f"-DNNC_LEVEL={level}", f"-I{sysconfig.get_path('include')}", "-c", source]
            done = subprocess.run([*command, "-o", str(tmp_path / "object.o")], cwd=ROOT, capture_output=True, encoding="utf-8")
            assert done.returncode == 0, done.stderr
            assert "frame size" not in done.stderr, (level, done.stderr)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="only GCC reports the stack usage of functions")
def test_the_sums_of_a_product_are_in_registers(tmp_path: Path) -> None:
    """With AVX-512 the 28 vectors of sums for 14 rows stay in registers; keeping them in memory would more than halve the speed."""
    build = runpy.run_path(str(ROOT / "setup.py"))
    if "v4" not in build["cpu_levels"]():
        pytest.skip("it is not compiled for AVX-512")
    flags = ["-std=c11", "-O3", "-fPIC", "-Inncore/include", *build["KERNEL_FLAGS"], *build["cpu_levels"]()["v4"], "-DNNC_LEVEL=v4"]
    command = ["gcc", *flags, "-fstack-usage", "-c", "nncore/_core/kernels/gemm.c", "-o", str(tmp_path / "gemm.o")]
    subprocess.run(command, cwd=ROOT, check=True)
    frames = [line.split("\t")[:2] for line in (tmp_path / "gemm.su").read_text(encoding="utf-8").splitlines()]
    strips = {place.rpartition(":")[2]: int(size) for place, size in frames if "strips_of_14" in place}
    assert strips, frames
    assert max(strips.values()) < 14 * 2 * 64, strips
