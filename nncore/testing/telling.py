"""Reports of a child process of `nncore.testing.apart`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def telling() -> Iterator[Callable[[str, Any], None]]:
    """Yield a function that writes a JSON object as a line of standard output. Other output goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as report:
        os.dup2(2, 1)

        def tell(what: str, value: Any) -> None:
            report.write(json.dumps({what: value}) + "\n")
            report.flush()

        yield tell
