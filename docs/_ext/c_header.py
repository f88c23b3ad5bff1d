"""The page of the C interface, from nncore/plugin.h, as libclang reads it: every macro, type, function type and field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from clang.cindex import Cursor, CursorKind, Index, TokenKind, TranslationUnit
from markup import heading, prose

HEADER = Path(__file__).parents[2] / "nncore" / "include" / "nncore" / "plugin.h"
#: What the header takes from the standard library, so that no compiler's headers are needed to read it.
STANDARD = {
    "/standard/stddef.h": "#define NULL ((void *)0)",
    "/standard/stdint.h": "typedef unsigned char uint8_t; typedef int int32_t; typedef unsigned uint32_t; typedef long long int64_t; "
    "typedef unsigned long long uint64_t;\n#define UINT64_C(x) x##ULL",
}
SECTION = re.compile(r"/\* -+ (.+?) -+ \*/")


def read_header() -> TranslationUnit:
    arguments = ["-xc", "-nostdinc", "-I/standard", "-fparse-all-comments"]
    options = TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
    unit = Index.create().parse(str(HEADER), arguments, unsaved_files=list(STANDARD.items()), options=options)
    if unit.diagnostics:
        raise ValueError(f"{HEADER} cannot be read: {unit.diagnostics[0]}")
    return unit


def declarations(unit: TranslationUnit) -> Iterator[Cursor]:
    """Macros, types, enumerations and functions of the header itself, in its order; a struct is its typedef."""
    kinds = (CursorKind.MACRO_DEFINITION, CursorKind.STRUCT_DECL, CursorKind.ENUM_DECL, CursorKind.TYPEDEF_DECL, CursorKind.FUNCTION_DECL)
    own = [c for c in unit.cursor.get_children() if c.kind in kinds and c.location.file and c.location.file.name == str(HEADER)]
    structs = {c.spelling for c in own if c.kind == CursorKind.STRUCT_DECL}
    for cursor in sorted(own, key=lambda c: c.extent.start.offset):
        repeated = cursor.kind == CursorKind.TYPEDEF_DECL and cursor.spelling in structs
        if not repeated and not cursor.spelling.endswith("_H"):
            yield cursor


def text(comment: str | None) -> str:
    """A comment as a paragraph or several."""
    if not comment or SECTION.match(comment):
        return ""
    lines = (line.strip().removeprefix("*").strip() for line in comment.strip().removeprefix("/*").removesuffix("*/").splitlines())
    return prose("\n".join(lines).strip())


def indented(body: str, depth: int = 1) -> str:
    return "".join("   " * depth + line + "\n" if line else "\n" for line in body.splitlines())


def source(cursor: Cursor) -> str:
    """The declaration itself, without comments, on one line."""
    return " ".join(token.spelling for token in cursor.get_tokens() if token.kind != TokenKind.COMMENT)


def arguments(cursor: Cursor) -> str:
    """What the header says beside single arguments of a function type."""
    fields, name = "", ""
    for token in list(cursor.get_tokens()):
        if token.kind == TokenKind.IDENTIFIER:
            name = token.spelling
        elif token.kind == TokenKind.COMMENT:
            fields += f":param {name}: {' '.join(text(token.spelling).split())}\n"
    return fields


def struct(cursor: Cursor) -> str:
    """Its fields, each with the comment behind it."""
    return "".join(f"\n.. c:member:: {source(field)}\n\n" + indented(text(field.raw_comment)) for field in cursor.get_children())


def macro(cursor: Cursor) -> str:
    """Its name, with its arguments if they follow without a space, and what it stands for."""
    name, *rest = list(cursor.get_tokens())
    takes_arguments = bool(rest) and rest[0].spelling == "(" and rest[0].extent.start.offset == name.extent.end.offset
    n_arguments = 1 + [token.spelling for token in rest].index(")") if takes_arguments else 0
    words = [token.spelling for token in rest]
    return f".. c:macro:: {name.spelling}{''.join(words[:n_arguments])}\n\n   ``{' '.join(words[n_arguments:])}``\n"


def entry(cursor: Cursor, twin: Cursor | None) -> str:
    """The directive for a declaration, which a function type of floats shares with its twin of doubles."""
    comment = text(cursor.raw_comment)
    if cursor.kind == CursorKind.MACRO_DEFINITION:
        return macro(cursor)
    if cursor.kind == CursorKind.STRUCT_DECL:
        return f".. c:struct:: {cursor.spelling}\n\n" + indented(comment + "\n" + struct(cursor))
    if cursor.kind == CursorKind.ENUM_DECL:
        return "".join(f".. c:enumerator:: {value.spelling} = {value.enum_value}\n\n" for value in cursor.get_children())
    if cursor.kind == CursorKind.FUNCTION_DECL:
        declaration = source(cursor).partition(" {")[0].removeprefix("static inline ")
        return f".. c:function:: {declaration}\n\n" + indented(comment)
    signatures = [source(each).removeprefix("typedef ") for each in (cursor, twin) if each]
    return ".. c:type:: " + f"\n{' ' * 12}".join(signatures) + "\n\n" + indented(comment + "\n\n" + arguments(cursor))


def page() -> str:
    """The header as a page: its first comment, then its sections."""
    unit = read_header()
    comments = [token for token in unit.get_tokens(extent=unit.cursor.extent) if token.kind == TokenKind.COMMENT]
    sections = [(token.extent.start.offset, match[1]) for token in comments if (match := SECTION.match(token.spelling))]
    found = list(declarations(unit))
    what = text(comments[0].spelling).removeprefix("nncore/plugin.h: ")
    body = heading("C interface", "=") + what[0].upper() + what[1:] + "\n\n"
    body += "``#include <nncore/plugin.h>``; :py:func:`nncore.get_include` is the folder for the compiler.\n\n"
    body += heading("Versions", "-")
    for cursor, following in zip(found, [*found[1:], None], strict=True):
        while sections and sections[0][0] < cursor.extent.start.offset:
            body += heading(sections.pop(0)[1], "-")
        if not cursor.spelling.endswith("_f64"):
            twin = following is not None and following.spelling == cursor.spelling.removesuffix("_f32") + "_f64"
            body += entry(cursor, following if twin else None) + "\n"
    return body
