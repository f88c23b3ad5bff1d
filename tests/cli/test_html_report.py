from __future__ import annotations

import base64
import re
import shlex
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nncore.cli import main
from nncore.cli.html_parts import bars, table

pytest.importorskip("matplotlib")

QUICK = ["--hidden", "8", "--epochs", "6", "--lr", "0.02", "--no-baselines"]
VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Finds tags that are not closed, and everything that a browser would have to fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        assert tag not in ("script", "link", "iframe")
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def report(path: Path, *arguments: object) -> str:
    """The page, after checking that it is well-formed and needs no other files."""
    assert main(["train", *map(str, arguments), "--report", str(path), "--quiet", *QUICK]) == 0
    text = path.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert checker.sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in checker.sources)
    assert all(b"</svg>" in base64.b64decode(source.partition(",")[2]) for source in checker.sources)
    assert "url(" not in text
    assert "@import" not in text
    return text


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_classification(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.nncore"
    text = report(tmp_path / "r.html", data, "--target", "species", "--out", model)
    assert "<h1>species from flowers.csv</h1>" in text
    expected = ["Score", "Errors by class", "Importance of the columns", "Learning curves", "Columns", "Network", "How to use it"]
    assert [heading for heading in headings(text) if heading != "Worth knowing"] == expected
    assert text.count("<img") == 2
    for cell in ("precision", "recall", "daisy", "counts the rows", "text, 240 different values in 240 rows", "24 (10.0 %)"):
        assert cell in text
    assert "epochs = 6" in text


def test_the_code_in_the_report_runs(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "with space's.nncore"
    text = report(tmp_path / "r.html", data, "--target", "species", "--out", model)
    blocks = [unescape(block) for block in re.findall(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    (code,) = [block for block in blocks if block.startswith("from nncore")]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.stderr == ""
    first = eval(done.stdout)
    assert len(first) == 5
    assert set(first) <= {"rose", "daisy"}
    (command,) = [block for block in blocks if block.startswith("nncore predict")]
    script = (
        command.replace("nncore ", f"'{sys.executable}' -m nncore ", 1).replace("NEW.csv", str(data)).replace("answers.csv", "/dev/null")
    )
    if sys.platform != "win32":
        command = shlex.split(script.replace(" --out /dev/null", ""))  # as a shell reads it; there may be none
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[0] == "species"
        assert done.stdout.splitlines()[1:6] == first


def test_regression(prices: Path, tmp_path: Path) -> None:
    text = report(tmp_path / "r.html", prices, "--target", "price")
    assert "Errors" in headings(text)
    assert "RMSE" in text
    assert "The network was not saved" in text
    importance = re.search(r"Importance of the columns</h2>.*?<tbody>(.*?)</tbody>", text, re.DOTALL)
    assert importance is not None
    assert importance[1].index("area") < importance[1].index("garden")  # what matters most comes first


def test_cross_validation(data: Path, tmp_path: Path) -> None:
    text = report(tmp_path / "r.html", data, "--target", "species", "--cv", "3")
    assert "accuracy, 3-fold cross-validation" in text
    assert "Each of 240 rows was predicted once" in text
    assert "In the first of 3 folds" in text


def test_without_rows_held_out(data: Path, tmp_path: Path) -> None:
    text = report(tmp_path / "r.html", data, "--target", "species", "--test-fraction", "0", "--patience", "0")
    assert headings(text)[:2] == ["Worth knowing", "Learning curves"]
    assert "&#x27;NA&#x27; is treated as missing in &#x27;length&#x27;" in text


def test_names_are_text_and_no_markup(tmp_path: Path) -> None:
    data = tmp_path / "a.csv"
    rows = "".join(f'"<i>{i % 2}</i>",{i % 3},{i * 37 % 11}\n' for i in range(60))
    data.write_text(f'"<b>kind</b>",a & b,"<script>"\n{rows}')
    text = report(tmp_path / "r.html", data, "--target", "<b>kind</b>")
    assert "&lt;b&gt;kind&lt;/b&gt;" in text
    assert "<script>" not in text
    assert "a &amp; b" in text


def test_many_classes(tmp_path: Path) -> None:
    data = tmp_path / "a.csv"
    data.write_text("x,y\n" + "".join(f"{i % 50},class {i % 50}\n" for i in range(500)))
    text = report(tmp_path / "r.html", data, "--target", "y")
    assert text.count('<tr><td class="name">class ') == 40
    assert text.count("<img") == 1  # the curves, and no matrix that is too large to read


def test_report_without_matplotlib_fails_before_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["train", str(data), "--target", "species", "--report", str(tmp_path / "r.html")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert 'pip install "nncore-ml[plot]"' in captured.err


def test_parts() -> None:
    assert table(["a", "n"], [["<x>", "1"]], numbers=(1,)).count("&lt;x&gt;") == 1
    shown = bars(("c", "v"), [("one", 2.0, "2"), ("two", 1.0, "1"), ("less", -1.0, "-1")])
    assert re.findall(r"width:([\d.]+)%", shown) == ["100.0", "50.0", "0.0"]
    assert "width:0.0%" in bars(("c", "v"), [("none", 0.0, "0")])
