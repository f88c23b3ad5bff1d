"""The hooks that a plugin's manifest may implement: one for each kind of component."""

from __future__ import annotations

from nncore.contract.hookspecs import *  # noqa: F403 - the hooks are listed where they are declared
