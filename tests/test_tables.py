from __future__ import annotations

import pickle

from nncore.tables import ShownTable, Table

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


def test_what_is_shown_is_text_to_programs_lines_to_consoles_and_a_table_to_notebooks():
    shown = ShownTable.of(TABLE)
    assert shown == repr(shown) == TABLE.text()
    assert shown._repr_html_() == TABLE.html()
    again = pickle.loads(pickle.dumps(shown))
    assert (again, again._repr_html_()) == (shown, shown._repr_html_())
