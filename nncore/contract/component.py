"""What a manifest lists: one line a component."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Component:
    """One line of a manifest: a name, where its class is, and a sentence about it.

    Parameters
    ----------
    name : str
        Lower case letters, digits and underscores: what users write.
    target : str
        ``"package.module:Class"``; imported when somebody first asks for it, so that listing stays cheap.
    summary : str
        One sentence for ``nncore plugins``.
    """

    name: str
    target: str
    summary: str = ""
