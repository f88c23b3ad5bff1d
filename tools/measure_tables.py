#!/usr/bin/env python3
"""What reading and encoding tables costs: processor seconds and memory beside pandas', each in a process of its own.

``tools/measure_tables.py`` prints a table in Markdown, for `docs/decisions/0076-tables-read-by-the-core.md`. It needs the extra ``parquet``
and pandas; ``--megabytes`` says how large the CSV files are, ``--rows`` how many rows of categories there are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

N_CATEGORICALS = 300


def numbers(path: Path, n_bytes: int) -> None:
    """Ten columns of measurements."""
    rng = np.random.default_rng(0)
    n = n_bytes // 90
    _write(path, [f"x{i}" for i in range(10)], [[f"{v:.6g}" for v in rng.normal(size=n) * 10.0**i] for i in range(-3, 7)])


def mixed(path: Path, n_bytes: int) -> None:
    """Numbers with holes, whole numbers, categories, names of rows in quotes, and dates."""
    rng = np.random.default_rng(1)
    n = n_bytes // 75
    columns = [
        [f'"Smith, {i} of {n}"' for i in range(n)],
        [f"level {i}" for i in rng.integers(0, 40, n)],
        [str(i) for i in rng.integers(0, 100, n)],
        [str(i) for i in rng.integers(0, 10**6, n)],
        ["NA" if hole else f"{v:.4f}" for v, hole in zip(rng.normal(size=n), rng.random(n) < 0.1, strict=True)],
        [f"{v:.7f}" for v in rng.random(n)],
        [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in rng.integers(0, 10**6, n)],
        ["yes" if v else "no" for v in rng.random(n) < 0.3],
    ]
    _write(path, ["name", "level", "age", "count", "holes", "share", "day", "y"], columns)


def wide(path: Path, n_bytes: int) -> None:
    """Two thousand columns."""
    rng = np.random.default_rng(2)
    n = n_bytes // 16_000
    _write(path, [f"v{i}" for i in range(2000)], [[f"{v:.5f}" for v in rng.random(n)] for _ in range(2000)])


def _write(path: Path, names: list[str], columns: list[list[str]]) -> None:
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


FILES: dict[str, Callable[[Path, int], None]] = {"numbers": numbers, "mixed": mixed, "wide": wide}


def read_pandas(path: str) -> object:
    import pandas

    return pandas.read_csv(path)


def read_nncore(path: str) -> object:
    from nncore.tabular import read_table

    return read_table(path)


def encode_nncore(path: str) -> object:
    from nncore.tabular import TableEncoder, column_kinds, infer_target, read_table

    table = read_table(path)
    target = table.names[-1]
    table = table.take_missing(table.usual_missing, table.names[:-1])
    task, _ = infer_target(target, table.column(target))
    encoder = TableEncoder.fit(table, column_kinds(table, target), target, task, np.arange(table.n_rows))
    return encoder.transform(table)


def fit_categories(path: str) -> object:
    import pandas
    from sklearn.base import BaseEstimator

    from nncore.estimators.column_encoder import ColumnEncoder

    return ColumnEncoder().fit_transform(BaseEstimator(), pandas.read_pickle(path))


def categories(path: Path, n_rows: int) -> None:
    """A frame of categories, pickled."""
    import pandas

    rng, levels = np.random.default_rng(3), [f"level {i}" for i in range(30)]
    columns = {f"c{i}": pandas.Categorical.from_codes(rng.integers(0, 30, n_rows), levels) for i in range(N_CATEGORICALS)}
    pandas.DataFrame(columns).to_pickle(path)


def measure(what: str, argument: str) -> None:
    """In this process: print seconds and bytes."""
    action: Callable[[str], object] = globals()[what]
    for module in ("pandas", "pyarrow.csv", "pyarrow.compute", "nncore.tabular"):
        if sys.modules.get("pyarrow", ...) is not None or not module.startswith("pyarrow"):
            __import__(module)
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _memory("VmRSS"), time.process_time()
    kept = action(argument)
    seconds = time.process_time() - began
    print(json.dumps([seconds, (_memory("VmHWM") - before) * 1024]))
    del kept


def _memory(field: str) -> int:
    """Kilobytes that the process holds, or held at most."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))


def measured(what: str, argument: object, *, with_arrow: bool = True) -> tuple[float, float]:
    """Processor seconds and bytes of the best of three processes."""
    hide = "" if with_arrow else "import sys; sys.modules['pyarrow'] = None; "
    code = f"{hide}import runpy; runpy.run_path({__file__!r})['measure']({what!r}, {str(argument)!r})"
    runs = [json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    return min(seconds for seconds, _ in runs), min(n_bytes for _, n_bytes in runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=11)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    print("| file | what | seconds | times pandas | memory, times the file |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FILES.items():
            path = Path(folder, f"{name}.csv")
            write(path, options.megabytes * 10**6)
            size, (pandas_seconds, _) = path.stat().st_size, measured("read_pandas", path)
            for what, with_arrow in (("read_pandas", True), *((w, a) for a in (True, False) for w in ("read_nncore", "encode_nncore"))):
                seconds, n_bytes = measured(what, path, with_arrow=with_arrow)
                label = what + ("" if with_arrow else " without pyarrow")
                print(f"| {name} | {label} | {seconds:.2f} | {seconds / pandas_seconds:.1f} | {n_bytes / size:.1f} |", flush=True)
        path = Path(folder, "categories.pickle")
        categories(path, options.rows)
        seconds, n_bytes = measured("fit_categories", path)
    print(f"\n{options.rows} x {N_CATEGORICALS} categories: {seconds:.2f} s, {n_bytes / (8 * options.rows * N_CATEGORICALS):.1f} matrices")
    return 0


if __name__ == "__main__":
    sys.exit(main())
