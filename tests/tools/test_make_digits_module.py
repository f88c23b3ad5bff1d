"""The module of the digit recognition page equals the script's output, and predicts what its network predicts."""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nncore.datasets import load_digits_split

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "make_digits_module.py"

pytestmark = [
    pytest.mark.skipif(not SCRIPT.exists(), reason="a source tree"),
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the bits are those of x86-64"),
]

#: Runs in a separate process, whose level is that of the exported network.
MAKE = """
import sys
import make_digits_module as script
network = script.train()
script.np.save("probabilities.npy", network.predict_proba(script.np.load("X.npy")))
if "compile" in sys.argv:
    open("made.js", "w").write(script.script(script.compiled(network)))
"""

NODE = """
const fs = require("node:fs");
const digitsModule = fs.readFileSync(process.argv[2], "utf8").split("`")[1];
WebAssembly.instantiate(Buffer.from(digitsModule, "base64")).then(({ instance }) => {
    const { memory, input, output } = instance.exports;
    console.log(JSON.stringify(JSON.parse(fs.readFileSync("X.json", "utf8")).map((image) => {
        new Float32Array(memory.buffer, input(), 64).set(image);
        return [...new Float32Array(memory.buffer, output(), 10)];
    })));
});
"""


def predicted(module: Path, folder: Path) -> np.ndarray:
    (folder / "run.cjs").write_text(NODE)
    done = subprocess.run(["node", "run.cjs", str(module)], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return np.array(json.loads(done.stdout), np.float32)


def test_the_module_there_predicts_what_the_network_predicts(tmp_path: Path):
    *_, images, y = load_digits_split()
    X = images.reshape(-1, 64) / 16
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "X.json").write_text(json.dumps(X.tolist()))
    compiles = shutil.which("clang") is not None and shutil.which("wasm-ld") is not None
    environment = os.environ | {"NNCORE_CPU": "portable", "PYTHONPATH": os.pathsep.join([str(SCRIPT.parent), *filter(None, sys.path)])}
    words = ["compile"] if compiles else []
    subprocess.run([sys.executable, "-c", MAKE, *words], cwd=tmp_path, env=environment, timeout=120, check=True)
    expected = np.load(tmp_path / "probabilities.npy")
    there = predicted(ROOT / "docs" / "_static" / "digits_module.js", tmp_path)
    assert np.array_equal(there, expected)
    page = (ROOT / "docs" / "how-to" / "digits-in-the-browser.md").read_text(encoding="utf-8")
    assert f"accuracy of {100 * (there.argmax(axis=1) == y).mean():.1f} % on the {len(y)} test images" in page
    if compiles:
        assert np.array_equal(predicted(tmp_path / "made.js", tmp_path), expected)


def test_the_module_is_small_and_whole():
    text = (ROOT / "docs" / "_static" / "digits_module.js").read_text(encoding="utf-8")
    assert len(text) < 40_000
    assert base64.b64decode(text.split("`")[1])[:4] == b"\0asm"
