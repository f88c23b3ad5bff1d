"""A saved network, which tests of loading read and damage."""

from __future__ import annotations

import pytest
from network.files import trained


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a valid file."""
    path = tmp_path_factory.mktemp("whole") / "net.nncore"
    trained().save(path)
    return path.read_bytes()
