#!/usr/bin/env python3
"""What training on a file larger than memory costs, and how well it is shuffled.

``tools/measure_streams.py --rows 100000000 --file big.parquet`` writes a Parquet file of float32 columns (if it is not there) and trains
one epoch on it, in its own process. It prints samples a second, peak memory, and the share of time spent waiting for the file.
``--arrays`` does the same with arrays in memory for comparison. ``--shuffling`` prints how far the order is from a full shuffle, and what
that does to the loss on sorted data. Both print tables in Markdown, for `docs/decisions/0084-streams.md`. It needs the extra ``parquet``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROWS_A_GROUP = 250_000


def write(path: Path, n_rows: int, n_columns: int) -> None:
    """Numbers, and a class that depends on three of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([(f"x{i}", pa.float32()) for i in range(n_columns)] + [("y", pa.int8())])
    with pq.ParquetWriter(path, schema, use_dictionary=["y"]) as writer:
        for start in range(0, n_rows, ROWS_A_GROUP):
            X = rng.standard_normal((min(ROWS_A_GROUP, n_rows - start), n_columns), np.float32)
            y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int8)
            writer.write_table(pa.table([*X.T, y], schema=schema))


def train(path: Path, options: dict[str, Any], in_memory: bool) -> dict[str, float]:
    """One epoch. Peak memory is that of this process."""
    import resource

    import nncore as nn

    given: tuple[Any, Any] = path, "y"
    if in_memory:
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        given = np.column_stack([table[name].to_numpy() for name in table.column_names[:-1]]), table["y"].to_numpy()
    hidden = [nn.Dense(64, activation="relu") for _ in range(2)]
    network = nn.Sequential(*hidden, nn.Dense(2))
    began = time.perf_counter()
    history = network.fit(*given, loss="softmax_cross_entropy", epochs=1, batch_size=1024, rng=0, progress=False, **options)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "peak": peak, "waited": history.wait_share, "loss": float(history["loss"][-1])}


def measure(path: Path, n_rows: int, ways: dict[str, dict[str, Any]]) -> None:
    """Each way in a process of its own."""
    print("| way | samples a second | peak memory | waiting | loss |\n|---|---|---|---|---|")
    for name, options in ways.items():
        command = [sys.executable, __file__, "--file", str(path), "--train", json.dumps(options)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        speed, peak = n_rows / found["seconds"], found["peak"] / 1e6
        print(f"| {name} | {speed:,.0f} | {peak:,.0f} MB | {found['waited']:.0%} | {found['loss']:.4f} |", flush=True)


def shuffling(n_rows: int) -> None:
    """Sorted data: how much more the means of batches differ than by chance, how neighbours stay together, and the loss."""
    import nncore as nn
    from nncore.data import ArrayStream, StreamedDataset, StreamMemory, TargetsWanted, in_turn

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 20), np.float32)
    score = X[:, 0] * X[:, 1] + X[:, 2]
    order = np.argsort(score)
    X, y = X[order], (score[order] > 0).astype(np.int64)
    places, batch = np.arange(n_rows, dtype=np.float32)[:, None], 100
    wanted = TargetsWanted.by(nn.get("losses", "mse")(), 1)

    def fitted(**options: Any) -> float:
        network = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(2))
        given = options.pop("given", (X, y))
        network.fit(*given, loss="softmax_cross_entropy", epochs=3, batch_size=batch, rng=0, progress=False, **options)
        return network.evaluate(X, y)["loss"]

    def row(name: str, visited: np.ndarray, loss: float) -> None:
        spread = visited.reshape(-1, batch).mean(axis=1).std() / (n_rows / 12**0.5 / batch**0.5)
        rank = abs(np.corrcoef(visited, np.arange(n_rows))[0, 1])
        step = np.abs(np.diff(visited)).mean() / (n_rows / 3)
        print(f"| {name} | {spread:.2f} | {rank:.3f} | {step:.2f} | {loss:.4f} |", flush=True)

    print("| order | spread of batch means | rank correlation | step to the next sample | loss after 3 epochs |\n|---|---|---|---|---|")
    row("full shuffle", rng.permutation(n_rows).astype(float), fitted())
    for share, pieces in ((0.1, 1000), (0.1, 100), (0.1, 20), (0.01, 1000), (0.01, 100), (0.1, 1), (0.01, 1)):
        buffer, rows = int(n_rows * share), n_rows // pieces
        stream = ArrayStream(places, places[:, 0], None, rows)
        sample = [next(in_turn(stream, 10))]
        data = StreamedDataset(stream, sample, wanted, np.dtype(np.float32), False, StreamMemory(2**30, buffer))
        visited = np.concatenate([block.inputs[:, 0] for block in data.mixed_blocks(batch, data.mixing(batch), 0, 0)])
        loss = fitted(given=(ArrayStream(X, y, None, rows),), shuffle_buffer=buffer, memory_limit="1 GB")
        row(f"{pieces} pieces, buffer of {share:.0%}", visited.astype(float), loss)
    row("in turn", np.arange(n_rows, dtype=float), fitted(shuffle=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--file", type=Path, default=Path("streams.parquet"))
    parser.add_argument("--memory-limit", default="512 MB")
    parser.add_argument("--arrays", action="store_true", help="train on arrays in memory, too")
    parser.add_argument("--shuffling", action="store_true", help="measure orders, and nothing else")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.shuffling:
        shuffling(min(arguments.rows, 200_000))
        return
    if arguments.train is not None:
        options = json.loads(arguments.train)
        print(json.dumps(train(arguments.file, options, options.pop("in_memory", False))))
        return
    if not arguments.file.exists():
        write(arguments.file, arguments.rows, arguments.columns)
    limit = {"memory_limit": arguments.memory_limit}
    ways: dict[str, dict[str, Any]] = {"shuffled": limit, "in turn": limit | {"shuffle": False}}
    if arguments.arrays:
        ways |= {"arrays, shuffled": {"in_memory": True}, "arrays, in turn": {"in_memory": True, "shuffle": False}}
    measure(arguments.file, arguments.rows, ways)


if __name__ == "__main__":
    main()
