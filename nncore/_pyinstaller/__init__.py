"""What PyInstaller is told: it finds this folder by the entry point ``pyinstaller40``, and the hook of nncore in it."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Where the hooks are."""
    return [str(Path(__file__).parent)]
