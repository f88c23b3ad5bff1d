"""Fails on import, like a plugin with a missing requirement."""

import nncore_library_that_is_not_there  # noqa: F401
