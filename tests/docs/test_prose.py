"""Sentences of pages, docstrings and comments are short and use the field's terms: `tools/prose.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from prose import LIMIT, Sentence, docstring_sentences, faults, native_sentences, page_sentences, texts  # noqa: E402

#: Pages, public interfaces and tools. Benchmark pages consist of rows of figures, and the code of conduct is quoted.
HELD = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md", "docs", "nncore", "plugins", "tests", "tools")
EXEMPT = (Path("docs/benchmarks"),)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the files are those tracked by git")
def test_sentences_are_short_and_plain() -> None:
    found = [
        f"{path}:{sentence.line}: {fault}: {sentence.text}"
        for by_file in texts([Path(name) for name in HELD]).values()
        for path, sentences in by_file.items()
        if not any(one in path.parents for one in EXEMPT)
        for sentence in sentences
        for fault in faults(sentence)
    ]
    assert not found, "\n".join(found)


def counts(found: list[Sentence]) -> list[tuple[int, int]]:
    return [(sentence.words, sentence.line) for sentence in found]


def test_a_page_is_read_without_code_tables_and_titles() -> None:
    page = """---
key: a value of no interest
---
# A title that is no sentence

One two three. Four `inline code and more` five,
six [seven eight](a/very/long/address.md).

```python
these = words_do_not_count
```

- An item of a list
- Another one, with $x + y$

| a table | of words |
|---|---|
"""
    assert counts(list(page_sentences(page))) == [(3, 6), (6, 6), (5, 13), (4, 14)]


def test_a_docstring_is_read_without_types_references_and_examples() -> None:
    docstring = """A summary of five words.

Parameters
----------
x : array-like of shape (n_samples, n_features)
    Two words.

References
----------
.. [1] An author and a title that is long.

Examples
--------
>>> print("nothing")
"""
    assert counts(list(docstring_sentences(docstring))) == [(5, 1), (2, 6)]


def test_a_comment_in_c_is_read_without_code_and_tables(tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("""/* Rows 0 .. n - 1 of x. y may be `x`; z = a . b.
 *
 * A second paragraph.
 *     table (n,)     of no interest */
int first; /* a trailing comment */
""")
    assert counts(native_sentences(source)) == [(8, 1), (9, 1), (3, 1), (3, 5)]


def test_a_cython_file_is_read_with_its_docstrings(tmp_path: Path) -> None:
    source = tmp_path / "source.pyx"
    source.write_text('''# Two lines of one
# comment.
cdef int n  #: three more words


cdef class One:
    """A summary.

    Parameters
    ----------
    x : int
        Three plain words.
    """
''')
    assert counts(native_sentences(source)) == [(5, 1), (3, 3), (2, 7), (3, 12)]


@pytest.mark.parametrize("text", [" ".join(["word"] * (LIMIT + 1)), "Here is what came of it"])
def test_faults_are_named(text: str) -> None:
    assert list(faults(Sentence(text, 1)))
