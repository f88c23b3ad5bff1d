"""Count the words of each sentence in pages, docstrings and comments, and list those that are too long or use a discouraged word.

    python tools/prose.py                     the mean length of a sentence, by kind of text
    python tools/prose.py --list docs/faq.md  also each sentence over the limit, with its line

Code, tables, formulas and front matter are left out; a piece of inline code counts as one word.
`tests/docs/test_prose.py` holds the limits.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import subprocess
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).parents[1]
#: No sentence of a page, a docstring or a comment has more words.
LIMIT = 30
#: Signs of a formula in a sentence.
FORMULA = r"[=←∂Σ√⊙∫·−]"
#: Words that the field has other words for, and what to write instead.
DISCOURAGED = {
    r"what (?:came|comes|became) of (?:it|them)": "result",
    r"(?:is|are) told so": "nncore says so",
    r"\bwish(?:es)?\b": "want, need, task",
    r"\bquestions? with classes\b": "multi-task outputs",
    r"\bto change the import is enough\b": "change the import; nothing else",
    r"\bbest epochs? (?:is|are) kept\b": "the best epoch's weights are restored",
    r"\bbeside (?:PyTorch|scikit-learn|other|others|what)\b": "compared with",
    r"\bat hand\b": "available, given",
    r"\bas many .{1,40} as there are\b": "one for each",
    r"\bin turn,? so that\b": "so",
}


@dataclass(frozen=True)
class Sentence:
    """A sentence, the number of its words, and the line its paragraph begins in."""

    text: str
    line: int

    @property
    def words(self) -> int:
        return len(self.text.split())


#: Where one sentence ends and the next begins. In comments of C one may begin with a name, and ``..`` is a range.
BORDER = r"(?<=[.!?])[)\"»]?\s+(?=[\"«(A-Z0-9]|code|formula)"
NATIVE_BORDER = r"(?<=[^.\s][.!?])[)\"»]?\s+"


def sentences(text: str, line: int = 1, border: str = BORDER) -> list[Sentence]:
    """The sentences of one paragraph."""
    text = re.sub(r"\{[a-z:-]+\}(?=`)", "", text)  # the role of `{doc}`
    text = re.sub(r"``[^`]+``|`[^`<]*<[^`]*>`__?|`[^`]+`", "code", text)
    text = re.sub(r"\$[^$]+\$", "formula", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"https?://\S+", "address", text)
    text = re.sub(r"\b(e\.g|i\.e|cf|vs|al|approx|no|Eq|Fig)\.", r"\1", text)
    text = re.sub(r"[*_]{1,2}(\S.*?)[*_]{1,2}(?!\w)", r"\1", text)
    parts = re.split(border, " ".join(text.split()))
    return [Sentence(part, line) for part in parts if re.search(r"[A-Za-z]", part)]


def page_sentences(page: str) -> Iterator[Sentence]:
    """The sentences of a page in Markdown."""
    page = re.sub(r"\A---\n.*?\n---\n", lambda match: "\n" * match[0].count("\n"), page, flags=re.DOTALL)
    fence, paragraph, start = "", [], 1
    for number, line in enumerate([*page.splitlines(), ""], start=1):
        opened = re.match(r"\s*(`{3,}|\${2})", line)
        if fence or opened:
            if opened and not fence:
                fence = opened[1] if opened[1] not in line.strip()[len(opened[1]) :] else ""
            elif line.strip().startswith(fence):
                fence = ""
            line = ""
        plain = line.strip()
        if re.match(r"(?:[|<%]|:[\w-]+:|:{3,}|\(\S+\)=$)", plain):
            plain = ""
        begins = re.match(r"(?:[-*+]|\d+\.|#+|>|: )\s+", plain)
        if paragraph and (not plain or begins):
            yield from sentences(" ".join(paragraph), start)
            paragraph = []
        if plain:
            start = start if paragraph else number
            paragraph.append(plain[begins.end() :] if begins else plain)
        if plain.startswith("#"):  # a title is no sentence
            paragraph = []


def docstring_sentences(docstring: str, line: int = 1) -> Iterator[Sentence]:
    """The sentences of a docstring in numpydoc's form: descriptions, not the types, and not References or Examples."""
    paragraph: list[str] = []
    section, start, skipped, borders = "", line, -1, 0
    lines = [*docstring.splitlines(), ""]
    for number, text in enumerate(lines):
        plain, indent = text.strip(), len(text) - len(text.lstrip())
        if number + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[number + 1].strip()) and plain:
            section, plain = plain, ""
        if re.fullmatch(r"=+(?: +=+)+", plain):  # a simple table has three
            borders, plain = borders + 1, ""
        elif borders % 3:
            plain = ""
        if skipped >= 0 and plain and indent <= skipped:
            skipped = -1
        if (
            re.fullmatch(r"-{3,}", plain)
            or section in ("References", "Examples", "See Also")
            or skipped >= 0
            or plain.startswith((">>>", "|"))
        ):
            plain = ""
        if plain.startswith(".. "):
            skipped, plain = indent, ""
        ends = plain.endswith("::")
        if re.match(r"[*\w, .]+ : |[-*] ", plain) or (section in ("Returns", "Raises", "Yields", "Warns") and indent == 0):
            plain = plain[2:] if plain[:2] in ("- ", "* ") else ""
            yield from sentences(" ".join(paragraph), start)
            paragraph = []
        if not plain:
            yield from sentences(" ".join(paragraph), start)
            paragraph = []
        else:
            start = start if paragraph else line + number
            paragraph.append(plain)
        if ends:
            skipped = indent
    yield from sentences(" ".join(paragraph), start)


Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def definitions(node: ast.AST) -> Iterator[Definition]:
    """All that may have a docstring, without a look into expressions, which are most of a file."""
    if isinstance(node, Definition):
        yield node
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        statements = getattr(node, field, ())
        for statement in statements if isinstance(statements, list) else ():
            yield from definitions(statement)


def code_sentences(path: Path) -> tuple[list[Sentence], list[Sentence]]:
    """The sentences of a Python file's docstrings, and those of its comments."""
    source = path.read_text(encoding="utf-8")
    found: list[Sentence] = []
    for node in definitions(ast.parse(source)):
        if text := ast.get_docstring(node):
            found += docstring_sentences(text, node.body[0].lineno)
    comments: list[Sentence] = []
    block: list[str] = []
    start = previous = 0
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                row, alone = token.start[0], not token.line[: token.start[1]].strip()
                if row != previous + 1 or not alone:
                    comments += comment_sentences(block, start)
                    block, start = [], row
                block.append(token.string)
                previous = row if alone else 0
    return found, [*comments, *comment_sentences(block, start)]


def comment_sentences(block: list[str], line: int) -> Iterator[Sentence]:
    """The sentences of consecutive lines of comments; ``# %%`` begins a text of the gallery, in reStructuredText."""
    if block and block[0].startswith("# %%"):
        text = "\n".join(["", *(text[2:] for text in block[1:])])
        text = re.sub(r"(?ms)^=+ [= ]+$.*^=+ [= ]+$", lambda table: "\n" * table[0].count("\n"), text)
        yield from docstring_sentences(text, line)
    else:
        yield from sentences(" ".join(text.lstrip("#: ") for text in block), line)


def native_sentences(path: Path) -> list[Sentence]:
    """The sentences of the comments, and docstrings, of a C or Cython file. Indented lines are a table or code."""
    source = path.read_text(encoding="utf-8")
    pattern = r"/\*.*?\*/|//[^\n]*" if path.suffix in (".c", ".h") else r'"""(?:.*?)"""|(?:^[ \t]*#[^\n]*\n)+|#[^\n]*'
    found: list[Sentence] = []
    for match in re.finditer(pattern, source, re.DOTALL | re.MULTILINE):
        line = source.count("\n", 0, match.start()) + 1
        if match[0].startswith('"""'):
            found += docstring_sentences(inspect.cleandoc(match[0].strip('"')), line)
            continue
        text = re.sub(r"^\s*(?:/?\*+/?|//|#:?)", "", match[0], flags=re.MULTILINE).removesuffix("*/")
        for part in re.split(r"\n\s*\n", re.sub(r"^ {3,}\S.*", "", text, flags=re.MULTILINE)):
            found += sentences(part, line, NATIVE_BORDER)
    return found


def tracked(*suffixes: str) -> list[Path]:
    """The files of the repository with these endings, from its root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [Path(name) for name in listed if name.endswith(suffixes)]


def texts(wanted: Collection[Path] = ()) -> dict[str, dict[Path, list[Sentence]]]:
    """Every text of the repository, or of these files and folders: kind, file, sentences."""
    kinds: dict[str, dict[Path, list[Sentence]]] = {}

    def files(*suffixes: str) -> list[Path]:
        return [path for path in tracked(*suffixes) if not wanted or any(path == one or one in path.parents for one in wanted)]

    for path in files(".md"):
        kind = "/".join(path.parts[:2]) if path.parts[0] == "docs" and len(path.parts) > 2 else "other pages"
        kinds.setdefault(kind, {})[path] = list(page_sentences((ROOT / path).read_text(encoding="utf-8")))
    for path in files(".py"):
        docstrings, comments = code_sentences(ROOT / path)
        kinds.setdefault(f"{path.parts[0]}: docstrings", {})[path] = docstrings
        kinds.setdefault(f"{path.parts[0]}: comments", {})[path] = comments
    for path in files(".c", ".h", ".pyx", ".pxd"):
        kinds.setdefault(f"{path.parts[0]}: C and Cython", {})[path] = native_sentences(ROOT / path)
    return kinds


def faults(sentence: Sentence) -> Iterator[str]:
    """What is wrong with a sentence. A formula may be as long as it is."""
    if sentence.words > LIMIT and not re.search(FORMULA, sentence.text):
        yield f"{sentence.words} words, at most {LIMIT}"
    for pattern, instead in DISCOURAGED.items():
        if match := re.search(pattern, sentence.text, re.IGNORECASE):
            yield f"«{match[0]}»: write «{instead}»"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", nargs="*", type=Path, metavar="PATH", help="also list the faults of these files or folders")
    arguments = parser.parse_args()
    wanted = arguments.list
    print(f"{'':34}{'sentences':>10}{'mean':>7}{f'over {LIMIT}':>9}")
    for kind, by_file in sorted(texts().items()):
        chosen = {path: found for path, found in by_file.items() if not wanted or any(path == one or one in path.parents for one in wanted)}
        counts = [sentence.words for found in chosen.values() for sentence in found]
        if counts:
            print(f"{kind:34}{len(counts):10}{mean(counts):7.1f}{sum(count > LIMIT for count in counts):9}")
        for path, found in chosen.items() if wanted is not None else ():
            for sentence in found:
                for fault in faults(sentence):
                    print(f"  {path}:{sentence.line}: {fault}: {sentence.text}")


if __name__ == "__main__":
    main()
