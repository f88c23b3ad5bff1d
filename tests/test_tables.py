from __future__ import annotations

from nncore.tables import Table

TABLE = Table("Animals", ("name", "legs"), [("<b>cat</b>", "4"), ("millipede", "1 306")], numbers=["legs"], notes=["counted", "& checked"])


def test_text():
    assert TABLE.text().splitlines() == [
        "Animals",
        "",
        "name         legs",
        "─────────────────",
        "<b>cat</b>      4",
        "millipede   1 306",
        "",
        "counted",
        "& checked",
    ]


def test_text_without_rows_or_notes():
    assert Table("None", ("name",), []).text() == "None\n\nname\n────"


def test_html_escapes_and_aligns():
    text = TABLE.html()
    assert "<b>" not in text
    assert '<td>&lt;b&gt;cat&lt;/b&gt;</td><td class="nncore-number">4</td>' in text
    assert "<p>Animals</p>" in text
    assert "<p>counted<br>&amp; checked</p>" in text


def test_html_without_rows_has_no_table():
    assert "<table>" not in Table("None", ("name",), []).html()
