"""Names of values in what exporters write."""

from __future__ import annotations

import re
from collections.abc import Callable


def name_in(wish: str) -> str:
    """The part of a name that a text becomes; nothing if none of its letters can be in one."""
    return re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_")


def new_name(wish: str, taken: set[str], key: Callable[[str], str] = str) -> str:
    """`wish`, with a number if it is taken, and taken from now on; names are the same if `key` makes the same of them."""
    name, count = wish, 1
    while key(name) in taken:
        count += 1
        name = f"{wish}_{count}"
    taken.add(key(name))
    return name
