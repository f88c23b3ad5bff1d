"""Breaks on import, as a plugin does whose own requirement is missing."""

import nncore_library_that_is_not_there  # noqa: F401
