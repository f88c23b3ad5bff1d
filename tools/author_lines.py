"""Count the lines that an author writes for a component of each kind, in nncore and in other libraries; print the guide's table.

nncore's examples are the first blocks of the sections of docs/how-to/write-a-component.md; the others' lie in tools/author_lines/. Lines
that hold code are counted: blank lines, comments and docstrings are not. Run with --check, it fails unless the guide has this table.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "how-to" / "write-a-component.md"
EXAMPLES = ROOT / "tools" / "author_lines"
#: Columns after nncore's, and the folders of their examples.
LIBRARIES = {"nncore-autograd": "autograd", "PyTorch": "pytorch", "Keras": "keras", "optax": "optax"}
NO_COUNTERPART = ("Collective", "Format", "Exporter")
NO_CODE = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER,
)  # fmt: skip


def code_lines(source: str) -> int:
    """Lines of a module that hold code.

    >>> code_lines('"Words."' + chr(10) + "x = 1  # why" + chr(10) + chr(10) + "# more")
    1
    """
    holding: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            holding.update(range(token.start[0], token.end[0] + 1))
    return len(holding - docstring_lines(source))


def docstring_lines(source: str) -> set[int]:
    """The lines of all docstrings."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False) is not None:
            words = node.body[0]
            found.update(range(words.lineno, (words.end_lineno or words.lineno) + 1))
    return found


def examples() -> dict[str, str]:
    """nncore's example of each kind, in the order of the guide."""
    text = GUIDE.read_text(encoding="utf-8")
    kinds = re.findall(r"^## ([A-Z]\w+)\n.*?^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return {kind: source for kind, source in kinds if kind not in NO_COUNTERPART}


def table() -> str:
    """The table in Markdown; a dash where a library has no such component."""
    lines = [f"| kind | {' | '.join(['nncore', *LIBRARIES])} |", f"|---|{'---|' * (len(LIBRARIES) + 1)}"]
    for kind, source in examples().items():
        files = [EXAMPLES / folder / f"{kind.lower()}.txt" for folder in LIBRARIES.values()]
        others = [str(code_lines(file.read_text(encoding="utf-8"))) if file.exists() else "–" for file in files]
        lines.append(f"| {kind.lower()} | {' | '.join([str(code_lines(source)), *others])} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail unless the guide has this table")
    found = table()
    print(found)
    if parser.parse_args().check and found not in GUIDE.read_text(encoding="utf-8"):
        print(f"{GUIDE.relative_to(ROOT)} has another table: put this one in its place", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
