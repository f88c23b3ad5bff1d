"""Parts of a self-contained HTML page, with embedded styles, pictures and tables.

Elements that may be wider than a phone scroll sideways, and have a ``tabindex`` for the keyboard.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nncore.cli.terminal import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = Path(__file__).with_name("report.css")


def escape(text: str) -> str:
    """Escape text for HTML. Control characters are shown as by `printable`."""
    return html.escape(printable(text, lines=True))


def page(title: str, body: Iterable[str]) -> str:
    """A whole document."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>",
            "<body><main>",
            *body,
            "</main></body></html>\n",
        ]
    )


def section(title: str, *parts: str, style: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    return "\n".join([f"<section{kind}>", f"<h2>{escape(title)}</h2>", *filter(None, parts), "</section>"])


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def code(text: str) -> str:
    return f'<pre tabindex="0">{escape(text)}</pre>'


def folded(title: str, part: str) -> str:
    """A part that the reader can unfold."""
    return f"<details><summary>{escape(title)}</summary>{part}</details>"


def tiles(values: Sequence[tuple[str, str]]) -> str:
    """Key figures: value and label."""
    cells = [
        f'<div class="tile{" first" if i == 0 else ""}"><b>{escape(v)}</b><span>{escape(n)}</span></div>' for i, (v, n) in enumerate(values)
    ]
    return f'<div class="tiles">{"".join(cells)}</div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of strings. The columns `numbers` are aligned to the right."""

    def line(cells: Sequence[str], tag: str) -> str:
        kinds = ["number" if i in numbers else "name" if i == 0 else "" for i in range(len(cells))]
        return "".join(f'<{tag} class="{kind}">{escape(cell)}</{tag}>' for kind, cell in zip(kinds, cells, strict=True))

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{line(header, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def bars(header: tuple[str, str], rows: Sequence[tuple[str, float, str]]) -> str:
    """A bar chart: name, length (none if negative), and the length as text."""
    longest = max((length for _, length, _ in rows), default=0.0)
    body = []
    for name, length, words in rows:
        share = 100 * max(length, 0.0) / longest if longest > 0 else 0.0
        body.append(
            f'<tr><td class="name">{escape(name)}</td><td class="bar"><i style="width:{share:.1f}%"></i></td>'
            f'<td class="number">{escape(words)}</td></tr>'
        )
    head = f'<tr><th>{escape(header[0])}</th><td></td><th class="number">{escape(header[1])}</th></tr>'
    return f'<div class="wide" tabindex="0"><table><thead>{head}</thead><tbody>{"".join(body)}</tbody></table></div>'


def picture(figure: Figure, description: str) -> str:
    """Embed a figure as SVG."""
    data = io.BytesIO()
    figure.savefig(data, format="svg", metadata={"Date": None})
    encoded = base64.b64encode(data.getvalue()).decode("ascii")
    width, height = figure.get_size_inches()
    kind = ' class="broad" tabindex="0"' if width > 1.6 * height else ""  # too small to read on a phone unless it scrolls
    return f'<figure{kind}><img alt="{escape(description)}" src="data:image/svg+xml;base64,{encoded}"></figure>'
