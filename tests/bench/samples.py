"""Made-up results for tests of their presentation."""

from __future__ import annotations

from nncore.bench.grid import SIMPLECHAINS, Case
from nncore.bench.limit import Rates
from nncore.bench.results import Cell, Line, Results

SMALL, LARGE = (4, 16, 3), (784, 512, 10)


def results() -> Results:
    """Two networks on one and two threads, one of two peers slower in all cases, the other with a gap; and all else."""
    machine = {"CPU": "a CPU", "cores": "2", "CPU level": "v3", "date": "2026-01-02"}
    return Results(
        machine,
        Rates(1e11, 4e10),
        command="nncore bench --threads 1,2",
        versions={"nncore": "0.1.0", "torch": "2.0"},
        training=[
            Cell(Case(SMALL, 32), 1e-6, {"nncore": 2e-6, "torch": 200e-6, "jax": 1e-6}),
            Cell(Case(LARGE, 32), 2e-3, {"nncore": 4e-3, "torch": 4.4e-3}),
            Cell(Case(SMALL, 32, 2), 0.5e-6, {"nncore": 2.5e-6, "torch": 250e-6, "jax": 10e-6}),
            Cell(Case(LARGE, 32, 2), 1e-3, {"nncore": 2e-3, "torch": 4e-3}),
        ],
        prediction=[Cell(Case(SMALL, 1), 1e-8, {"nncore": 1e-6, "onnxruntime": 7e-6})],
        simplechains=[Cell(SIMPLECHAINS, 3e-4, {"nncore": 4e-4})],
        facts={
            "memory_bytes": 70e6,
            "linearity": 1.03,
            "import_numpy_seconds": 0.1,
            "import_seconds": 0.12,
            "first_network_seconds": 0.15,
            "wheel_bytes": 1_234_567.0,
        },
        remarks=["jax: something failed"],
        lines={
            "calls": [
                Line("train_on_batch", {"nncore": 14e-6, "torch": 140e-6}, base=2e-6, goal=10e-6),
                Line("predict", {"nncore": 4e-6, "torch": 2e-6}, base=1e-6, goal=4e-6),
            ],
            "products": [Line("64 × 64 × 64", {"nncore": 6.5536e-6}, base=5.24288e-6, goal=0.85, flops=524288.0)],
        },
    )
