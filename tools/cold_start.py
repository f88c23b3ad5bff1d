"""What a fresh process takes until its first answer: by nncore, by onnxruntime for the same network, and by importing NumPy alone.

    python tools/cold_start.py

It needs the extra onnx, onnxruntime, and Linux. Prints a row of a table in Markdown each: medians over processes of CPU time and memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

import nncore as nn

N_INPUTS, N_HIDDEN, N_OUTPUTS, TIMES = 20, 100, 5, 15
#: The most that the process itself had; `ru_maxrss` would count the process that started it.
MEMORY = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
PROGRAMS = {
    "`import numpy` alone": ("", "import numpy"),
    "nncore": ("net.nncore", "import sys, numpy as np, nncore as nn; nn.load(sys.argv[1]).predict(np.zeros((1, 20), 'float32'))"),
    "onnxruntime": (
        "net.onnx",
        "import sys, numpy as np, onnxruntime as ort; options = ort.SessionOptions(); options.intra_op_num_threads = 1; "
        "ort.InferenceSession(sys.argv[1], options).run(None, {'x': np.zeros((1, 20), 'float32')})",
    ),
}


def write_both(folder: Path) -> None:
    """The same network as a file of each."""
    net = nn.Sequential(nn.Dense(N_HIDDEN, activation="relu"), nn.Dense(N_OUTPUTS)).build(N_INPUTS, rng=0)
    net.save(folder / "net.nncore")
    names = {"dense_1.weight": "w1", "dense_1.bias": "b1", "dense_2.weight": "w2", "dense_2.bias": "b2"}
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["a"]),
            helper.make_node("Gemm", ["a", "w2", "b2"], ["y"]),
        ],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", N_INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", N_OUTPUTS])],
        [numpy_helper.from_array(array.copy(), names[name]) for name, array in net.named_parameters().items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "net.onnx")


def measured(program: str, path: Path) -> tuple[float, float]:
    """CPU seconds and mebibytes of one process."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", f"{program}\n{MEMORY}", path], capture_output=True, text=True, check=True)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, int(done.stdout) / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_both(Path(folder))
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in PROGRAMS}
        for _ in range(TIMES):
            for name, (file, program) in PROGRAMS.items():
                found[name].append(measured(program, Path(folder) / file))
    print("| until the first answer | CPU time | memory |\n|---|---|---|")
    for name, rows in found.items():
        seconds, mebibytes = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"| {name} | {seconds:.2f} s | {mebibytes:.0f} MiB |")


if __name__ == "__main__":
    main()
