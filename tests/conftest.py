"""Fixtures and settings of all tests."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Tests import each other's helpers (components.py, manifest.py) by bare name.
sys.path.insert(0, str(Path(__file__).parent))


#: Tests of the repository rather than of the package. They are left out where the tests have been copied to be run on an installed nncore,
#: which is how a wheel is tested.
OF_THE_REPOSITORY = [
    "docs",
    "examples",
    "plugins",
    "test_map.py",
    "test_packaging.py",
    "test_setup.py",
    "test_wheels.py",
    "test_workflows.py",
    "tools",
    "typing",
]
collect_ignore = [] if (Path(__file__).parents[1] / "setup.py").exists() else OF_THE_REPOSITORY

#: Optional packages: a test file that imports one at its top is skipped if it is missing. Everything else is required.
OPTIONAL = {
    "Cython", "joblib", "keras", "matplotlib", "mlflow", "narwhals", "onnx", "pandas", "polars", "pyarrow", "rich", "safetensors", "scipy",
    "sklearn", "torch",
}  # fmt: skip


# How long an example takes depends on the machine.
settings.register_profile("nncore", deadline=None)
settings.load_profile("nncore")

# A shell starts background processes with Ctrl-C ignored; tests that send it need it to work.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The command wraps its output to the terminal's width, whatever runs the tests.
os.environ["COLUMNS"] = "100"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--site", action="store_true", help="also run the tests marked site, which need the built docs")
    parser.addoption("--browser", action="store_true", help="also run the tests marked browser, which need Chromium and the built docs")


class TestFile(pytest.Module):
    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return super().collect()
        except self.CollectError as error:
            if not isinstance(error.__cause__, ImportError) or (error.__cause__.name or "").split(".")[0] not in OPTIONAL:
                raise
            pytest.skip(f"{error.__cause__.name} is not installed")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return TestFile.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    passing = [item.nodeid for item in items if re.search(r"0x[0-9a-f]{6,}", item.nodeid)]
    if passing:
        raise pytest.UsageError(f"the name of a test holds an address, which is another one in each process; give it ids=: {passing[0]}")
    for mark, reason in {"slow": "run with --slow", "site": "run by `make docs-test`", "browser": "run by `make docs-test`"}.items():
        if config.getoption(f"--{mark}") or mark in (config.getoption("-m") or ""):
            continue
        for item in items:
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"{mark}: {reason}"))


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Close pyplot's figures after each test: it keeps them open and warns of many, whichever test opened them."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(params=["AMX", "AVX512_BF16"])
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """What products in bfloat16 are made with, once each of what this machine has."""
    from nncore._core import native

    best = native.bfloat16_instructions()
    if best is None or native.use_amx(request.param == "AMX") != (request.param == "AMX"):
        pytest.skip(f"this processor, or the system on it, has no {request.param}")
    yield request.param
    native.use_amx(best == "AMX")
