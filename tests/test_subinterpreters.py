"""One interpreter a process: subinterpreters raise a clear error."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
{before}
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
inside = '''
try:
    import nncore
except ImportError as error:
    print(error)
'''
number = interpreters.create()
if hasattr(interpreters, "exec"):
    interpreters.exec(number, inside)
else:
    interpreters.run_string(number, inside)
"""


@pytest.mark.parametrize("before", ["", "import nncore.network"], ids=["first", "second"])
def test_a_subinterpreter_gets_an_error_that_says_what_to_do(before: str) -> None:
    pytest.importorskip("_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters")
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(before=before)], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("nncore works only in the main interpreter of a process"), done.stderr
    assert done.returncode == 0
