"""``nncore plugins --verify`` on the fixture plugins."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_fixtures.fake_site import FakeSite
from testing.fixtures.site import installed

from nncore.cli import main
from nncore.testing import OptimizerConformance, Outcome
from nncore.testing.apart import Seen


@pytest.fixture(scope="module", autouse=True)
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    with installed(folder, "nncore-faulty"):
        yield folder


def test_sound_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "nncore-faulty/sound"]) == 0
    header, _, row = capsys.readouterr().out.splitlines()
    n_checks = sum(name.startswith("test_") for name in dir(OptimizerConformance))
    assert header.split() == ["name", "kind", "plugin", "runs", "checks", "result"]
    assert row.split() == ["nncore-faulty/sound", "optimizers", "nncore-faulty", "1.0", "native", str(n_checks), "ok"]


def test_failing_component_by_its_bare_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "overrun"]) == 1
    _, _, row = capsys.readouterr().out.splitlines()
    assert row.startswith("nncore-faulty/overrun  optimizers  nncore-faulty 1.0  native")
    assert "failed: step: Overrun(lr=0.01, decay=0.0): written behind w, of shape (0,)" in row


def test_component_that_cannot_be_made_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "needy"]) == 0
    assert "untried: Needy cannot be made without factor" in capsys.readouterr().out


def test_built_in_by_name_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "he_normal", "--json"]) == 0
    (verdict,) = json.loads(capsys.readouterr().out)["components"]
    assert (verdict["name"], verdict["distribution"], verdict["status"], verdict["skipped"]) == ("he_normal", "nncore-ml", "ok", 0)
    assert verdict["passed"] >= 10


def test_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "nobody"]) == 2
    assert "there is no component or plugin 'nobody'" in capsys.readouterr().err


@pytest.fixture
def few_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit ``--verify`` to a few components, so that not everything installed is checked."""
    from nncore.cli import plugins

    rows, *_ = plugins.collect()
    some = [row for row in rows if row.name in ("identity", "nncore-faulty/own_dice", "nncore-faulty/exemplary")]
    monkeypatch.setattr(plugins, "collect", lambda **_: (some, [], []))
    monkeypatch.setattr("nncore.testing.verify_apart", lambda *_: Seen("numpy", [Outcome("sample", "failed", "as ever")]))


@pytest.mark.usefixtures("few_components")
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["nncore-faulty/exemplary", "nncore-faulty/own_dice"]),
        (["--all"], ["nncore-faulty/exemplary", "identity", "nncore-faulty/own_dice"]),
        (["nncore-faulty"], ["nncore-faulty/exemplary", "nncore-faulty/own_dice"]),
    ],
)
def test_what_is_verified(arguments: list[str], names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["plugins", "--verify", *arguments]
    assert main(command) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == names


def test_plugin_that_cannot_be_loaded_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from nncore.cli import plugins

    monkeypatch.setattr(
        plugins, "collect", lambda **_: ([], ["plugin nncore-slow: slow"], ["plugin nncore-odd 1.0 (odd), import: No module named 'odd'"])
    )
    assert main(["plugins", "--verify"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "no plugins with components are installed; --all verifies the built-in components\n"
    assert "No module named 'odd'" in captured.err


def test_pytest_is_not_needed(faulty: Path) -> None:
    code = "import sys; sys.modules['pytest'] = None; from nncore.cli import main; sys.exit(main(['plugins', '--verify', 'own_dice']))"
    environment = os.environ | {"PYTHONPATH": str(faulty), "NNCORE_PLUGINS": "nncore-faulty"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 1, done.stderr
    assert "failed: sample: OwnDice(): sample(rng, (1, 1), 1, 1) from an equal generator" in done.stdout


def rows_of_harmful(folder: Path, *arguments: str) -> dict[str, str]:
    """Rows of the command's table by component name; checks that the command ends with exit code 1."""
    source = Path(__file__).parents[1] / "testing" / "fixtures" / "nncore-harmful"
    FakeSite(folder).write_metadata("nncore-harmful", {"plugin": "nncore_harmful"})
    command = [sys.executable, "-m", "nncore", "plugins", "--verify", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(source)]), "NNCORE_PLUGINS": "nncore-harmful"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 1, done.stderr
    return {line.split()[0].removeprefix("nncore-harmful/"): line for line in done.stdout.splitlines()[2:]}


def test_a_component_that_ends_its_process_is_a_failed_row(tmp_path: Path) -> None:
    (row,) = rows_of_harmful(tmp_path, "exit_at_import").values()
    assert "  failed: " in row
    assert "exit code 7" in row


@pytest.mark.slow
def test_every_way_to_do_harm_is_a_failed_row(tmp_path: Path) -> None:
    rows = rows_of_harmful(tmp_path, "--time-limit", "10")
    ended = {"exit_now": "exit code 0", "exit_at_import": "exit code 7", "hang": "still running after 10 s", "hang_at_import": "after 10 s"}
    ended |= {"exit_format": "exit code 7"}
    ended |= {"segfault": "SIGSEGV", "kill": "SIGKILL"} if os.name == "posix" else {}
    for name, words in ended.items():
        assert "  failed: " in rows[name]
        assert words in rows[name], name
    for name in ("chatty", "straight_through", "picture"):
        assert rows[name].endswith("  ok: 1 check skipped: it has no formula, so that networks with it cannot be exported"), rows[name]
    for name in ("matrices_only", "patient"):
        assert rows[name].endswith("  ok"), rows[name]


def begin_to_verify(site: FakeSite, *arguments: str) -> subprocess.Popen[str]:
    """Start the command for the plugins of a site in a new process."""
    command = [sys.executable, "-m", "nncore", "plugins", "--verify", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in ("NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS")}
    environment["PYTHONPATH"] = str(site.folder)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_a_manifest_that_ends_its_process_is_reported_and_left_out(tmp_path: Path) -> None:
    site = FakeSite(tmp_path)
    site.write("nncore-aaa", "import os\nos._exit(7)\n")
    site.write("nncore-bbb", "print('sound')\nNNCORE_API = (1, 0)\n\n@hookimpl\ndef nncore_losses(api):\n    return []\n")
    site.write("nncore-ddd", "raise SystemExit(3)\n")
    with begin_to_verify(site) as done, begin_to_verify(site, "nncore-aaa") as named:
        stdout, stderr = done.communicate(timeout=300)
        _, stderr_of_named = named.communicate(timeout=300)
    assert done.returncode == 1, stderr
    assert "no plugins with components are installed" in stdout
    assert re.search(r"plugin nncore-aaa 1\.0 .*, import: importing its manifest \S+: its process ended with exit code 7", stderr)
    assert re.search(r"plugin nncore-ddd 1\.0 .*, import: SystemExit: 3", stderr)
    assert "nncore-bbb" not in stderr
    assert named.returncode == 2
    assert "its process ended with exit code 7" in stderr_of_named


@pytest.mark.slow
def test_a_manifest_that_never_ends_its_import_is_reported(tmp_path: Path) -> None:
    site = FakeSite(tmp_path)
    site.write("nncore-ccc", "import time\ntime.sleep(600)\n")
    with begin_to_verify(site, "--time-limit", "8") as done:
        _, stderr = done.communicate(timeout=300)
    assert done.returncode == 1, stderr
    assert re.search(r"plugin nncore-ccc 1\.0 .*: it was still running after 8 s, and was ended", stderr)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_a_time_limit_that_is_none(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--verify", "sgd", "--time-limit", seconds]) == 2
    assert "number of at least 0.001" in capsys.readouterr().err
