"""A file of a network, which tests of saving and loading read and damage."""

from __future__ import annotations

import pytest
from network.files import trained


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("whole") / "net.nncore"
    trained().save(path)
    return path.read_bytes()
