"""Entries of a manifest: one for each component."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Component:
    """One entry of a manifest: a component's name, where its class is, and a summary.

    Parameters
    ----------
    name : str
        Name that users write: lower case letters, digits and underscores.
    target : str
        ``"package.module:Class"``. It is imported when the component is first used, so that listing is cheap.
    summary : str
        One sentence for ``nncore plugins``.
    """

    name: str
    target: str
    summary: str = ""
