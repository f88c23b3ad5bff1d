"""Names the floor on which code stands, by the map in CONTRIBUTING.md.

``tools/floors.py`` draws 20 lines of code and names the floor of each; ``--seed 3`` draws others. ``tools/floors.py FILE ...`` names those
of files.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What code is written in here, and how a comment that fills a line begins in it.
LANGUAGES = {
    **dict.fromkeys((".py", ".pyi", ".pyx", ".pxd"), ("#",)),
    **dict.fromkeys((".c", ".h"), ("/*", "* ", "*/")),
}  # fmt: skip


@dataclass(frozen=True)
class Floor:
    """A row of the map.

    Attributes
    ----------
    number : int
        From the ground, which is 1.
    name : str
    rooms : tuple of str
        Folders and files that stand on it, as in ``"nncore/program/"``, ``"nncore/plugin.py"``.
    what : str
        What they are for, in the map's words.
    """

    number: int
    name: str
    rooms: tuple[str, ...]
    what: str


def floors(contributing: str) -> list[Floor]:
    """The floors of nncore, top first, as the text of CONTRIBUTING.md has them."""
    rows = re.findall(r"^\| ([^|]+) \| (`nncore/[^|]+) \| ([^|]+) \|$", contributing, re.MULTILINE)
    rooms = [tuple("nncore/" + name.removeprefix("nncore/") for name in re.findall(r"`([^`]+)`", where)) for _, where, _ in rows]
    return [Floor(len(rows) - row, name, rooms[row], what) for row, (name, _, what) in enumerate(rows)]


def floor_of(path: str, house: list[Floor]) -> tuple[Floor, str]:
    """Floor and room of a file, by its path from the project's root.

    Raises
    ------
    LookupError
        If it is in no room of the map, or in several.
    """
    found = [(floor, room) for floor in house for room in floor.rooms if path == room or (room.endswith("/") and path.startswith(room))]
    if len(found) != 1:
        raise LookupError(f"{path} is in {len(found)} rooms of the map in CONTRIBUTING.md, not in one")
    return found[0]


def source_files() -> list[Path]:
    """Every file of code in the package."""
    return sorted(path for path in (ROOT / "nncore").rglob("*") if path.suffix in LANGUAGES and path.is_file())


def lines_of_code(path: Path) -> list[tuple[int, str]]:
    """The lines of a file that are code, not blank, comment or docstring, with their numbers."""
    found, in_text = [], False
    for number, line in enumerate(map(str.strip, path.read_text(encoding="utf-8").splitlines()), start=1):
        was_in_text, in_text = in_text, in_text ^ (line.count('"""') % 2 == 1)
        if line and not (was_in_text or in_text or line.startswith(('"""', *LANGUAGES[path.suffix]))):
            found.append((number, line))
    return found


def drawn(n: int, seed: int) -> list[tuple[str, int, str]]:
    """File, number and text of `n` lines of code, each as likely as any other."""
    lines = [(path.relative_to(ROOT).as_posix(), *line) for path in source_files() for line in lines_of_code(path)]
    return random.Random(seed).sample(lines, n)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=int, default=20)
    arguments = parser.parse_args()
    house = floors((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    if arguments.files:
        places = [(path.resolve().relative_to(ROOT).as_posix(), 0, "") for path in arguments.files]
    else:
        places = drawn(arguments.lines, arguments.seed)
    for path, number, text in places:
        floor, room = floor_of(path, house)
        where = f"{path}:{number}" if number else path
        print(f"{where:<48} floor {floor.number:>2} of {len(house)}: {floor.name}, {room.removeprefix('nncore/')}")
        if text:
            print(f"    {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
