"""Shared by all tests."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

# Tests import each other's helpers (components.py, manifest.py) by bare name.
sys.path.insert(0, str(Path(__file__).parent))


# A shell starts what it runs in the background with Ctrl-C ignored; the tests that press it need it to work.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--browser", action="store_true", help="also run the tests marked browser, which need Chromium and the built docs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for mark, reason in {"slow": "run with --slow", "browser": "run by `make docs-test`"}.items():
        if config.getoption(f"--{mark}") or mark in (config.getoption("-m") or ""):
            continue
        for item in items:
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=f"{mark}: {reason}"))
