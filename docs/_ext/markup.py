"""Pieces of reStructuredText, for pages that are written from code."""

from __future__ import annotations

import re


def heading(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}\n\n"


def escaped(text: str) -> str:
    """Text in which bars and underscores at the end of a word, but for those in ``code``, are what they look like."""
    return re.sub(r"(``.*?``|`[^`]+`)|\||(?<=\w)_(?!\w)", lambda match: match[1] or "\\" + match[0], text)


def prose(text: str) -> str:
    """A comment or a help text: in it `code` is code, and a star is no markup."""
    text = re.sub(r"`([^`]+)`", r"``\1``", text)
    text = re.sub(r"(``.*?``)|\*", lambda match: match[1] or r"\*", text)
    return "\n".join(map(escaped, text.splitlines()))
