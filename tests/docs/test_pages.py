"""Every block of every page of the documentation runs, and prints the output shown."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pages import RECORDS, blocks, check_output, run_page

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS)
    for path in DOCS.rglob("*.md")
    if not path.relative_to(DOCS).parts[0].startswith((*RECORDS, "_"))
    and any(block.language in ("python", "console") for block in blocks(path.read_text(encoding="utf-8")))
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")  # Ray reads an option of its own that it deprecates
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.as_posix())
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    if "```console" in text and shutil.which("bash") is None:
        pytest.skip("the commands are for a POSIX shell")
    code = "\n".join(block.text for block in blocks(text) if block.language == "python")
    for module in re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE):
        pytest.importorskip(module)
    monkeypatch.setenv("MPLBACKEND", "agg")
    run_page(DOCS / page, tmp_path)


def test_there_are_pages_to_run() -> None:
    assert len(PAGES) > 20


@pytest.mark.parametrize(
    ("printed", "promised"),
    [
        ("loss 0.1234\n", "loss 0.1199"),
        ("a  b\nc\n", "a b\n   c"),
        ("saved in 0.3 s, 4 epochs\n", "saved in 12 s, 7 epochs"),
        ("one\ntwo\nthree\n", "one\n…\nthree"),
        ("[0.5  1.  ]", "[0.5 1.  ]"),
    ],
)
def test_outputs_that_are_alike(printed: str, promised: str) -> None:
    check_output(printed, promised, "here")


@pytest.mark.parametrize(
    ("printed", "promised"),
    [
        ("loss 0.2\n", "loss 0.1"),
        ("4 rows\n", "5 rows"),
        ("a\nb\n", "a"),
        ("", "a"),
        ("a b", "b a"),
        ("accuracy 80.0 %", "accuracy 90.0 %"),
    ],
)
def test_outputs_that_differ(printed: str, promised: str) -> None:
    with pytest.raises(AssertionError, match="here"):
        check_output(printed, promised, "here")


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\nprint(1)\n```\n", "does not show"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "promises"),
        ("```python\npass\n```\n\n```text\n2\n```\n", "promises"),
        ("```text\n2\n```\n", "no block before"),
        ("```console\n$ echo 1\n2\n```\n", "promises"),
        ("```console\n$ false\n```\n", "exit code 1"),
    ],
)
def test_a_page_that_says_something_else_fails(page: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    with pytest.raises(AssertionError, match=complaint):
        run_page(tmp_path / "page.md", tmp_path)


def test_blocks_of_a_page_share_names_and_a_folder(tmp_path: Path) -> None:
    page = """# A

```python
from pathlib import Path

x = Path("f").write_text("y")
```

```console
$ cat f
y
```

```python
print(x)
```

```text
1
```
"""
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    run_page(tmp_path / "page.md", tmp_path)
