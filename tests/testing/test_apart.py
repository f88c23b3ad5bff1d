"""Components that crash, hang or end their process, checked in a separate process; and settings on a component's class."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from testing.fixtures.site import installed

from nncore import registry
from nncore.testing import ActivationConformance, Conformance, LayerConformance, LossConformance, OptimizerConformance, apart
from nncore.testing.apart import Seen, verify_apart
from nncore.testing.report import CONFORMANCE
from nncore.testing.setting import settings_of

posix = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")

#: How each component harms its process, and the message about it.
HARM = [
    pytest.param("segfault", "its process was ended by SIGSEGV", marks=posix),
    pytest.param("kill", "its process was ended by SIGKILL", marks=[posix, pytest.mark.slow]),
    ("exit_now", "its process ended with exit code 0"),
    pytest.param("leave", "SystemExit: usage: leave FILE", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", autouse=True)
def harmful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    with installed(folder, "nncore-harmful"):
        yield folder


def seen(name: str) -> Seen:
    kinds = [kind for kind in registry.KINDS if name in registry.names(kind)]
    return verify_apart(kinds[0], f"nncore-harmful/{name}", 120)


@pytest.mark.parametrize(("name", "message"), HARM)
def test_harm_becomes_a_failed_check(name: str, message: str) -> None:
    found = seen(name)
    failed = [outcome for outcome in found.outcomes if outcome.status == "failed"]
    assert found.rung == "numpy"
    assert failed[0].check == "forward and backward"
    assert failed[0].message.startswith(message)
    assert len(found.outcomes) > len(failed)  # earlier results are kept


def test_a_process_that_ends_at_import() -> None:
    found = seen("exit_at_import")
    assert found.rung == "broken"
    assert [(outcome.check, outcome.message) for outcome in found.outcomes] == [("import", "its process ended with exit code 7")]


@pytest.mark.parametrize("told", ["", 'print(\'{"rung": "numpy"}\\n{"begins": "step"}\', flush=True)'], ids=["import", "step"])
def test_a_process_that_says_nothing_for_too_long(told: str) -> None:
    """A process that is silent for too long is ended, even if children of it keep the pipe open."""
    code = (
        f"{told}\nimport subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\ntime.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        if told:
            wait([process.stdout])  # until its first output, since the start may be slow
        with tempfile.TemporaryFile() as errors:
            found = apart._watched(process, errors, 0.5)
    finally:
        apart._end(process)
    assert found.rung == ("numpy" if told else "broken")
    assert [outcome.check for outcome in found.outcomes] == ["step" if told else "import"]
    assert found.outcomes[0].message == "it was still running after 0.5 s, and was ended"
    assert process.poll() is not None


def test_what_a_component_prints_is_no_report() -> None:
    found = seen("chatty")
    assert len(found.outcomes) == len(unittest.defaultTestLoader.getTestCaseNames(ActivationConformance)) > 10
    assert {outcome.check for outcome in found.outcomes if outcome.status != "ok"} == {"formula"}  # it has no kernel


def test_the_child_finds_what_is_found_here_and_no_more() -> None:
    registry.reload(disabled=["nncore-harmful"])
    try:
        found = verify_apart("activations", "nncore-harmful/chatty", 120)
    finally:
        registry.reload(only=["nncore-harmful"])
    assert found.rung == "broken"
    assert any("nncore-harmful is blocked" in outcome.message for outcome in found.outcomes)


# ---- settings ---------------------------------------------------------------------------------------------------------------

SETTINGS = {"straight_through": "activations", "picture": "layers", "matrices_only": "optimizers", "patient": "losses"}


@pytest.mark.parametrize("name", SETTINGS)
def test_checks_obey_the_settings_on_the_class(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = verify_apart(SETTINGS[name], f"nncore-harmful/{name}", 120)
    assert [outcome for outcome in found.outcomes if outcome.status != "ok" and outcome.check != "formula"] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_without_its_settings_it_would_fail(name: str) -> None:
    kit = CONFORMANCE[SETTINGS[name]]
    defaults = settings_of(kit)
    tests = type("TestDefaults", (kit,), {"name": f"nncore-harmful/{name}", **defaults})()
    own = [attribute for attribute in defaults if attribute in vars(tests.component_class())]
    assert own
    checks = {"exact_gradient": "test_gradient", "input_shapes": "test_plan", "columns": "test_value_and_gradient"}
    for attribute in own:
        with pytest.raises(Exception, match=r"\w"):
            getattr(tests, checks.get(attribute, f"test_{attribute}"))()


def test_a_test_class_comes_before_the_component() -> None:
    class TestPicture(LayerConformance):
        name = "nncore-harmful/picture"
        input_shapes = ((1, 1, 1),)

    assert TestPicture.input_shapes == ((1, 1, 1),)
    assert TestPicture.exact_gradient is False
    assert LayerConformance.exact_gradient is True


@pytest.mark.parametrize(
    ("kit", "names"),
    [
        (LayerConformance, {"input_shapes", "exact_gradient"}),
        (LossConformance, {"columns", "exact_gradient"}),
        (ActivationConformance, {"exact_gradient"}),
        (OptimizerConformance, {"learning_rates", "bowl", "rosenbrock"}),
    ],
)
def test_the_settings_are_told_in_the_docstring(kit: type[Conformance], names: set[str]) -> None:
    assert set(settings_of(kit)) == names
    assert [name for name in names if name not in str(kit.__doc__)] == []
