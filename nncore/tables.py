"""Small tables with a title and notes, as plain text and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Self

#: Colours are those of the page, light or dark. The class is named twice so that these rules take precedence over a notebook's own.
_STYLE = """\
<style>
.nncore-shown { color: inherit; font-size: .9rem; line-height: 1.45; }
.nncore-shown p { margin: .5em 0; overflow-wrap: anywhere; }
.nncore-shown .nncore-wide { overflow-x: auto; max-width: 100%; }
.nncore-shown.nncore-shown table { border-collapse: collapse; border: 0; margin: 0; width: auto; font-size: inherit;
  font-variant-numeric: tabular-nums; }
.nncore-shown.nncore-shown table :is(th, td) { color: inherit; border: 0; text-align: left; vertical-align: baseline; max-width: none;
  padding: .25em .75em; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.nncore-shown.nncore-shown table th { font-weight: 600; border-bottom-color: color-mix(in srgb, currentColor 60%, transparent); }
.nncore-shown.nncore-shown table .nncore-number { text-align: right; white-space: nowrap; }
</style>"""


class ShownTable(str):
    """A table as text. A notebook shows it as an HTML table, a console as lines."""

    _html: str

    @classmethod
    def of(cls, table: Table) -> Self:
        shown = cls(table.text())
        shown._html = table.html()
        return shown

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self._html


@dataclass(frozen=True)
class Table:
    """A table of strings with a header.

    Attributes
    ----------
    title : str
    header : sequence of str
    rows : sequence of sequence of str
        Each row has one cell for each column of the header.
    numbers : collection of str
        Headers of the columns that are aligned to the right.
    notes : sequence of str
        Lines below the table.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[str] = ()
    notes: Sequence[str] = ()

    def text(self) -> str:
        """The table as text for a fixed-width font."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = []
        for row in (self.header, *self.rows):
            cells = zip(row, widths, self.header, strict=True)
            lines.append(
                "  ".join(cell.rjust(width) if name in self.numbers else cell.ljust(width) for cell, width, name in cells).rstrip()
            )
        lines.insert(1, "─" * (sum(widths) + 2 * (len(widths) - 1)))
        return "\n".join([self.title, "", *lines, *(["", *self.notes] if self.notes else [])])

    def html(self) -> str:
        """The table as HTML for a notebook. A table wider than the page scrolls sideways, also by keyboard."""
        kinds = [' class="nncore-number"' if name in self.numbers else "" for name in self.header]

        def row(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True)) + "</tr>"

        body = "".join(row(cells, "td") for cells in self.rows)
        table = f"<table><thead>{row(self.header, 'th')}</thead><tbody>{body}</tbody></table>"
        wide = f'<div class="nncore-wide" tabindex="0">{table}</div>' if self.rows else ""
        notes = f"<p>{'<br>'.join(map(escape, self.notes))}</p>" if self.notes else ""
        return f'<div class="nncore-shown">{_STYLE}<p>{escape(self.title)}</p>{wide}{notes}</div>'
