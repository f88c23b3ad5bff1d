from __future__ import annotations

from pathlib import PurePath

from bench.samples import results

from nncore.bench import page
from nncore.bench.results import Results


def test_page_has_the_machine_the_findings_and_every_table() -> None:
    text = page.write(results(), PurePath("pictures/grid.png"))
    lines = text.splitlines()
    assert "| CPU level | v3 |" in lines
    assert "| torch | 2.0 |" in lines
    assert "| peak of one core | 100.0 GFLOP/s (measured) |" in lines
    assert "- Wheel: 1.23 MB" in lines
    assert "![Ratios of every case](pictures/grid.png)" in lines
    assert [line for line in lines if line.startswith("#")] == [
        "# Speed benchmark on a CPU",
        "## In short",
        "## Training",
        "### 1 thread",
        "### 2 threads",
        "## Prediction",
        "## SimpleChains.jl's case",
        "## Calls",
        "## Matrix products",
        "## Not measured",
        "## How it was measured",
    ]
    assert "| 784-512-10 | 32 | 1 | 2000 | 4000 | **50 %** | 4400 (1.10×) | – |" in lines
    assert "| 784-512-10 | 32 | 2 | 1000 | 2000 | 50 % | 4000 (2.00×) | – |" in lines
    assert "| train_on_batch | 2 µs | 14 µs | **12 µs** | ≤ 10 µs | 140 µs (10.0×) |" in lines
    assert "- Matrix products: 0 of 1 goals reached\n  - **missed: 64 × 64 × 64 80 % (goal ≥ 85 %)**\n" in text
    assert "- jax: something failed" in lines
    assert text.endswith("```sh\nnncore bench --threads 1,2\n```\n")


def test_what_was_not_measured_has_no_section() -> None:
    text = page.write(Results({"CPU": "a CPU"}, results().rates))
    assert "Nothing was measured." in text
    assert "## Training" not in text
    assert "![" not in text


def test_a_busy_neighbour_is_named() -> None:
    busy = results()
    busy.busy = True
    lines = page.write(busy).splitlines()
    assert lines[0] == "# Speed benchmark on a CPU, one core busy"
    assert any(line.startswith("| neighbour | another process copied memory") for line in lines)
    assert not any("neighbour" in line for line in page.write(results()).splitlines())
