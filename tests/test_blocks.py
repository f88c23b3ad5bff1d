"""Code that processes large data in blocks bounds the bytes of a block, so that extra memory is small for rows of any width."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.blocks import BLOCK, available_memory, blocks, rows_at_once
from nncore.data import Dataset, EncodingChain, check_finite
from nncore.data.targets import as_targets
from nncore.initializers.data_dependent import output_statistics
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.program import looked_at, plan_network
from nncore.tabular import read_blocks, read_table

PACKAGE = Path(nn.__file__).parent
WIDE = 20_000
N_ROWS = 400

#: Constants that count rows, with the reason why they need no bound in bytes or have one.
COUNTS_OF_ROWS = {
    "BATCH_ROWS": "of input gradients, with BLOCK",
    "BLOCK_ROWS": "of tables, with BLOCK_CELLS",
    "FEWEST_ROWS": "of columns that are told what they are",
    "FEWEST_ROWS_TO_DIVIDE": "of data",
    "FEWEST_ROWS_A_LEVEL": "of a category",
    "IMPORTANCE_ROWS": "of a table that is in memory",
    "MIN_PRODUCT_ROWS": "of a product",
    "N_ROWS": "of the kits",
    "ROWS": "of the kits",
    "RUN_ROWS": "of a column that may be an identifier",
}


def peak(what: Callable[[], object]) -> int:
    """Peak memory of a call in bytes, without its result."""
    tracemalloc.start()
    try:
        kept = what()
        left, most = tracemalloc.get_traced_memory()
        del kept
        return most - left
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def wide() -> np.ndarray:
    """A matrix of 32 MB, with rows of 80 kB each."""
    return np.random.default_rng(0).normal(size=(N_ROWS, WIDE)).astype(np.float32)


def test_a_block_has_about_its_bytes() -> None:
    assert rows_at_once(1) == BLOCK
    assert rows_at_once(BLOCK // 10) == 10
    assert rows_at_once(10 * BLOCK) == rows_at_once(0, 1) == 1
    assert rows_at_once(100, 7) == 7
    assert rows_at_once(100, of=1000) == 10


def test_blocks_are_all_rows_in_their_order() -> None:
    assert [list(range(10))[rows] for rows in blocks(10, BLOCK // 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(blocks(0, 8)) == []


def test_no_other_constant_counts_rows() -> None:
    """A new constant that counts rows is also bounded by bytes (`nncore.blocks`), or is listed above."""
    found = set()
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".pyx") and "bench" not in path.parts:  # those of kernels depend on registers and caches
            found |= set(re.findall(r"^([A-Z_]*ROWS)\b(?: =|, [A-Z_]+ =)", path.read_text("utf-8"), re.MULTILINE))
    assert found <= set(COUNTS_OF_ROWS)


def test_looking_for_what_is_not_finite(wide: np.ndarray) -> None:
    assert peak(lambda: check_finite(wide.T, "X", np.dtype(np.float64))) < 3 * BLOCK


def test_converting_during_an_epoch(wide: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
    loss = SoftmaxCrossEntropy()
    data = Dataset(wide, as_targets(np.arange(N_ROWS) % 3, loss, 3, np.dtype(np.float64)), None, np.dtype(np.float64))

    def epoch() -> None:
        for _ in data.blocks(np.arange(N_ROWS)[::-1], 20):
            pass

    assert peak(epoch) < 4 * BLOCK


def test_standardizing(wide: np.ndarray) -> None:
    """Standardising needs only its result and a few numbers for each column."""
    few = 20 * 8 * WIDE
    assert peak(lambda: EncodingChain.learn(["standard"], wide)) < 8 * BLOCK + few
    chain, out = EncodingChain.learn(["standard"], wide), np.empty_like(wide)
    assert peak(lambda: chain.encode(wide, out=out)) < 3 * BLOCK + few


def test_initializers_that_look_at_data(wide: np.ndarray) -> None:
    assert wide[looked_at(N_ROWS, wide[0].nbytes)].nbytes <= 33 * 2**20
    narrow = np.empty((100_000, 784), np.float32)
    assert len(narrow[looked_at(100_000, 4 * 784)]) in range(1000, 1025)
    curious, huge = nn.Dense(2, weight_initializer={"name": "data_hull", "batch_rows": 3000}), nn.Dense(100_000)
    assert len(narrow[looked_at(100_000, 4 * 784, plan_network([nn.Dense(2), curious], ["a", "b"], (784,)))]) in range(2900, 3001)
    of_huge = plan_network([huge, curious], ["a", "b"], (784,))
    assert len(narrow[looked_at(100_000, 4 * 784, of_huge)]) < 200, "rows must be limited by the memory of outputs, too"
    weight = np.ones((WIDE, 2), np.float32)
    few = 20 * 8 * WIDE
    assert peak(lambda: output_statistics(wide, weight)) < 4 * BLOCK + few


def test_gradients_of_wide_inputs(wide: np.ndarray) -> None:
    """Gradients of wide inputs need the batch's inputs, the gradients at them, and the parameters' gradients."""
    net = nn.Sequential(nn.Dense(3)).build(WIDE, loss="softmax_cross_entropy", rng=0)
    net.input_gradients(wide[:1], output=0)
    assert peak(lambda: net.input_gradients(wide, output=0)) < 5 * BLOCK


def test_trying_mixtures_of_many_classes() -> None:
    """Mixtures of many classes are tried in blocks; 4,096 rows of 10,000 classes would be 160 MB."""
    X, y = np.zeros((5000, 2), np.float32), np.arange(5000) % 1000
    net = nn.Sequential(nn.Dense(10_000)).build(2, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    net.fit(X[:8], y[:8], epochs=1, batch_size=8, transforms=["mixup"], progress=False)
    assert peak(lambda: net.fit(X, y, epochs=0, batch_size=8, transforms=["mixup"], progress=False)) < 8 * BLOCK


def test_reading_a_wide_table(tmp_path: Path) -> None:
    """A block of a wide table has fewer rows, and the table is read completely."""
    path = tmp_path / "wide.csv"
    n_columns, n_rows = 5000, 300
    row = ",".join("1" for _ in range(n_columns))
    path.write_text("\n".join([",".join(f"c{i}" for i in range(n_columns)), *[row] * n_rows]))
    sizes = [table.n_rows for table in read_blocks(path)]
    assert max(sizes) == 2**20 // n_columns
    assert sum(sizes) == n_rows == read_table(path).n_rows


def test_predicting_with_wide_layers(wide: np.ndarray) -> None:
    """Predictions of wide layers need the outputs, and values between layers for a slice of rows."""
    net = nn.Sequential(nn.Dense(4, "relu"), nn.Dense(1)).build(WIDE, rng=0)
    net.predict(wide[:1])
    assert peak(lambda: net.predict(wide)) < BLOCK


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


MEMINFO = {"proc/meminfo": "MemTotal: 64000 kB\nMemAvailable:    9000 kB\n"}


def group(path: str, limit: str, used: int, cached: int, *, version: int) -> dict[str, str]:
    names = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    return {f"{path}/{names[0]}": f"{limit}\n", f"{path}/{names[1]}": f"{used}\n", f"{path}/memory.stat": f"anon 1\n{names[2]} {cached}\n"}


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({}, None),
        (MEMINFO, 9000 * 1024),
        ({**MEMINFO, "proc/self/cgroup": "0::/\n"}, 9000 * 1024),
        ({**MEMINFO, "proc/self/cgroup": "0::/job/step\n", **group("sys/fs/cgroup/job/step", "max", 5, 0, version=2)}, 9000 * 1024),
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "0::/job/step\n",
                **group("sys/fs/cgroup/job/step", "max", 5, 0, version=2),
                **group("sys/fs/cgroup/job", "1000000", 400_000, 50_000, version=2),
            },
            650_000,
        ),
        (
            {
                **MEMINFO,
                "proc/self/cgroup": "4:cpu:/x\n3:memory:/docker/0123\n",
                **group("sys/fs/cgroup/memory", "2000000", 1_900_000, 0, version=1),
            },
            100_000,
        ),
        ({**MEMINFO, "proc/self/cgroup": "0::/\n", **group("sys/fs/cgroup", "1000", 4000, 0, version=2)}, 0),
    ],
)
def test_what_the_system_and_control_groups_leave(files: dict[str, str], available: int | None, tmp_path: Path) -> None:
    write(tmp_path, files)
    assert available_memory(tmp_path) == available
