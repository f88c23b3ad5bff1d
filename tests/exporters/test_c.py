"""C headers compile without a warning, run on a microcontroller, and give the bits of the portable level."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import components
import numpy as np
import pytest
from c_headers import KEEPS, STRICT, HeaderText, compiled, need, printed, program
from differential.random_networks import random_case
from exported import run_header
from levels import run_tests

import nncore as nn
from nncore import registry
from nncore._core import native
from nncore.activations.gelu import GELU
from nncore.activations.softplus import Softplus
from nncore.contract import activation_for
from nncore.errors import ExportError
from nncore.exporters.c import CHeader
from nncore.network import graph_of_network
from nncore.plugin import FUNCTIONS, Activation, Layer, Loss, TextLevels
from nncore.program import ModelWriter
from nncore.testing.widths import outputs_for

N_RANDOM = 12
CORTEX_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
MPS2 = Path(__file__).parent / "mps2"

#: Levels other than the portable one fuse multiplications and additions; so does the portable one of other processors.
of_the_portable_level = pytest.mark.skipif(
    native.LEVEL != "portable" or platform.machine() not in ("x86_64", "AMD64"), reason="bits are those of the portable level on x86-64"
)


def header_of(net: nn.Sequential, path: Path) -> bytes:
    net.export(path)
    return path.read_bytes()


def check_bits(net: nn.Sequential, X: np.ndarray, path: Path) -> None:
    """Check that a header gives the network's bits, except for zeros' signs and near subnormal numbers, which nncore flushes to zero."""
    X = X.astype(net.dtype)
    for name, found in run_header(header_of(net, path / "net.h"), {"X": X}).items():
        expected = getattr(net, name)(X)
        tiny = 2**20 * np.finfo(expected.dtype).tiny
        found, expected = (np.where(np.abs(one) < tiny, 0, one) for one in (found, expected))
        np.testing.assert_array_equal(found, expected, err_msg=f"{name} of {net}")


def samples(n_rows: int = 30) -> np.ndarray:
    X = np.random.default_rng(0).normal(size=(n_rows, *components.N_INPUTS))
    X[:, 0] = np.random.default_rng(1).integers(-1, 3, n_rows)  # for layers that take codes
    return X


def network(layer: Layer, dtype: str) -> nn.Sequential:
    """A network whose parameters and buffers are neither 0 nor 1."""
    net = nn.Sequential(layer, nn.Flatten(), nn.Dense(3)).build(components.N_INPUTS, rng=0, dtype=dtype)
    net.parameters[:] += np.random.default_rng(2).normal(size=net.n_parameters) / 4
    for name, buffer in net.named_buffers().items():
        if name.endswith(("mean", "variance", "std")):
            buffer[...] = np.random.default_rng(3).uniform(0.3, 2, buffer.shape)
    return net


@of_the_portable_level
@pytest.mark.parametrize("dtype", ["float32", "float64"])
class TestBits:
    @pytest.mark.parametrize("layer", components.layers(), ids=repr)
    def test_every_layer(self, layer: Layer, dtype: str, tmp_path: Path) -> None:
        check_bits(network(layer, dtype), samples(), tmp_path)

    @pytest.mark.parametrize("activation", [*components.activations(), GELU(approximate="tanh"), Softplus(3)], ids=repr)
    def test_every_activation(self, activation: Activation, dtype: str, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        X = np.concatenate([rng.normal(size=(2000, 4)) * 3, rng.normal(size=(500, 4)) * 40, np.zeros((1, 4))])
        check_bits(nn.Sequential(nn.ActivationLayer(activation)).build(4, rng=0, dtype=dtype), X, tmp_path)

    @pytest.mark.parametrize("loss", components.losses(), ids=repr)
    def test_every_link(self, loss: Loss, dtype: str, tmp_path: Path) -> None:
        n_outputs = outputs_for(loss, 3)
        last = nn.Dense(n_outputs, activation=activation_for(loss, n_outputs))
        check_bits(nn.Sequential(last).build(4, loss=loss, rng=0, dtype=dtype), samples(), tmp_path)

    @pytest.mark.parametrize("width", [1, 16, 17, 33, 300])
    def test_sums_of_rows(self, width: int, dtype: str, tmp_path: Path) -> None:
        X = np.random.default_rng(0).normal(size=(20, width)) * 3
        check_bits(nn.Sequential(nn.ActivationLayer("softmax")).build(width, rng=0, dtype=dtype), X, tmp_path)
        check_bits(nn.Sequential(nn.LayerNorm()).build(width, rng=0, dtype=dtype), X, tmp_path)

    @pytest.mark.parametrize("seed", range(N_RANDOM))
    def test_random_networks(self, seed: int, dtype: str, tmp_path: Path) -> None:
        case = random_case(seed)
        net = case.network().build(case.X.shape[1:], loss=case.fit["loss"], rng=seed, dtype=dtype)
        check_bits(net, case.X, tmp_path)


@pytest.mark.skipif(native.LEVEL == "portable" or platform.machine() not in ("x86_64", "AMD64"), reason="they run in this process")
def test_bits_at_the_portable_level() -> None:
    """Headers give the bits of the portable level: layers in float32, links in float64, and everything else in both."""
    need("gcc")
    run_tests("portable", f"{__file__}::TestBits", without=("every_layer and float64", "every_link and float32"))


@pytest.mark.slow
@pytest.mark.skipif(native.LEVEL == "portable" or platform.machine() not in ("x86_64", "AMD64"), reason="they run in this process")
def test_all_bits_at_the_portable_level() -> None:
    need("gcc")
    run_tests("portable", f"{__file__}::TestBits")


# ---- compilers ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[HeaderText, np.ndarray]]:
    """Headers of every component with a formula, and of some networks, with samples; one program may include all of them."""
    folder, made = tmp_path_factory.mktemp("headers"), {}
    nets = [network(layer, dtype) for dtype in ("float32", "float64") for layer in components.layers()]
    for dtype in ("float32", "float64"):
        nets += [nn.Sequential(nn.ActivationLayer(one)).build(4, rng=0, dtype=dtype) for one in components.activations()]
    data = [samples(3)] * len(nets)
    for seed in range(N_RANDOM):
        case = random_case(seed)
        nets.append(case.network().build(case.X.shape[1:], loss=case.fit["loss"], rng=seed))
        data.append(case.X[:3])
    for number, (net, X) in enumerate(zip(nets, data, strict=True)):
        name = f"net{number}.h"
        made[name] = HeaderText(header_of(net, folder / name)), X.reshape(len(X), -1)
    return made


@pytest.fixture(scope="module")
def plain(everything: dict[str, tuple[HeaderText, np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Predictions of all headers in one program, compiled by GCC without optimisation."""
    flags = ("-std=c99", "-O0", *STRICT)
    return printed([str(compiled(sources(everything), "gcc", flags, tmp_path_factory.mktemp("plain"), "run"))])


def sources(everything: dict[str, tuple[HeaderText, np.ndarray]], name: str = "run.c") -> dict[str, str]:
    return {file: header.text for file, (header, _) in everything.items()} | {name: program(everything)}


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ("-std=c99", "-O2")),
        pytest.param("clang", ("-std=c99", "-O2"), marks=pytest.mark.slow),  # clang and C++ are compared below
        pytest.param("g++", ("-std=c++11", "-O1"), marks=pytest.mark.slow),
        ("clang++", ("-std=c++11", "-O1")),
    ],
    ids=["gcc", "clang", "g++", "clang++"],
)
def test_compilers_do_not_warn_and_give_the_same_bits(
    compiler: str, flags: tuple[str, ...], everything: dict[str, tuple[HeaderText, np.ndarray]], plain: list[str], tmp_path: Path
) -> None:
    name = "run.cpp" if "++" in compiler else "run.c"
    run = compiled(sources(everything, name), compiler, (*flags, *STRICT), tmp_path, "run")
    assert len(plain) == sum(len(X) * len(header.outputs) for header, X in everything.values())
    assert printed([str(run)]) == plain


def test_a_cortex_m4_gives_the_same_bits(everything: dict[str, tuple[HeaderText, np.ndarray]], plain: list[str], tmp_path: Path) -> None:
    need("arm-none-eabi-gcc")
    qemu = need("qemu-system-arm")
    for file in MPS2.iterdir():
        shutil.copy(file, tmp_path)
    flags = ("-std=c99", "-O2", *STRICT, *CORTEX_M4, "--specs=rdimon.specs", "-T", "mps2.ld", "startup.c")
    run = compiled(sources(everything), "arm-none-eabi-gcc", flags, tmp_path, "run.elf")
    machine = ("-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none")
    assert printed([qemu, *machine, "-semihosting-config", "enable=on,target=native", "-kernel", str(run)]) == plain


#: Prints the output that a WebAssembly module has stored.
NODE = """
const { instance } = await WebAssembly.instantiate(require("node:fs").readFileSync("run.wasm"));
const { memory, run, bytes, n_bytes } = instance.exports;
run();
console.log(Buffer.from(memory.buffer, bytes(), n_bytes()).toString("hex"));
"""


def test_webassembly_gives_the_same_bits(everything: dict[str, tuple[HeaderText, np.ndarray]], plain: list[str], tmp_path: Path) -> None:
    need("wasm-ld")
    node = need("node")
    getters = "unsigned char *bytes(void);\nunsigned char *bytes(void) { return kept; }\n"
    getters += "int n_bytes(void);\nint n_bytes(void) { return n_kept; }\n"
    text = "int run(void);\n" + program(everything, KEEPS, "int run(void)") + getters
    flags = ("--target=wasm32", "-std=c99", "-O1", "-ffreestanding", "-nostdlib", *STRICT, "-Wl,--no-entry")
    exported = [f"-Wl,--export={name}" for name in ("run", "bytes", "n_bytes")]
    compiled(sources(everything) | {"run.c": text}, "clang", (*flags, *exported), tmp_path, "run.wasm")
    (tmp_path / "run.cjs").write_text(f"(async () => {{ {NODE} }})();")
    done = subprocess.run([node, "run.cjs"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["".join(plain)], done.stderr[:1000]


def test_headers_need_no_library(everything: dict[str, tuple[HeaderText, np.ndarray]]) -> None:
    for header, _ in everything.values():
        assert re.findall(r"#include (.*)", header.text) == [f'"{header.prefix}.h"', "<stdint.h>"]  # the first is in a comment
        assert "malloc" not in header.text


# ---- names ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "prefix"), [("my-model 2.h", "my_model_2"), ("3d.h", "model_3d"), ("größe.h", "gr_e"), ("π.h", "model"), ("Net.h", "Net")]
)
def test_names_begin_with_that_of_the_file(file: str, prefix: str, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0)
    header = HeaderText(header_of(net, tmp_path / file))
    assert header.prefix == prefix
    assert f"#define {prefix.upper()}_N_INPUTS 3" in header.text
    names = re.findall(r"^(?:static inline \w+ \*?|static const [\w ]+ \*?|#define )(\w+)", header.text, re.MULTILINE)
    assert names
    assert all(name.lower().startswith(f"{prefix.lower()}_") for name in names)


def test_columns_and_levels_have_names(tmp_path: Path) -> None:
    g = ModelWriter()
    with g.writing("columns"):
        city = g.codes(g.input("the city?? */", (1,), "text"), TextLevels({"Bonn": 0, "bonn": 1, 'a"\\b': 2, "": 3, "Köln": 4}, -1, -2))
        g.output("predict", g.concat([city, g.input("the city", (1,), "float64")]))
    text = CHeader().export(g.graph({"model": "a */ b ??/ c"})).decode()
    for part in ("MODEL_THE_CITY = 0", "MODEL_THE_CITY_2 = 1", "MODEL_THE_CITY_BONN = 0", "MODEL_THE_CITY_BONN_2 = 1", r'"K\303\266ln"'):
        assert part in text
    inputs = {"a": np.array([["bonn"], ["Köln"], [None], ["x"], [""]], object), "b": np.zeros((5, 1))}
    assert run_header(text.encode(), inputs)["predict"][:, 0].tolist() == [1, 4, -1, -2, 3]


def test_columns_may_be_called_like_what_the_header_has(tmp_path: Path) -> None:
    g = ModelWriter()
    names = ["n inputs", "predict", "n_predict", "Compute", "abs f64", "stack_bytes", "predict_levels"]
    with g.writing("columns"):
        columns = [g.input(name, (1,), "float64") for name in names]
        texts = [g.codes(g.input(name, (1,), "text"), TextLevels({"levels": 0, "codes": 1}, -1, -1)) for name in ("city", "city levels")]
        g.output("predict", g.concat([abs(g.concat(columns)), *texts]))
    content = CHeader().export(g.graph({}))
    header = HeaderText(content)
    assert len(set(header.columns)) == 9
    (tmp_path / "model.h").write_bytes(content)
    compiled(
        {"model.h": header.text, "run.c": program({"model.h": (header, np.ones((2, 9)))})}, "gcc", ("-std=c99", *STRICT), tmp_path, "run"
    )


def test_what_c_cannot_hold_is_named() -> None:
    g = ModelWriter()
    with g.writing("answers"):
        index = g.largest(g.input("X", (2,), "float64"))
        g.output("predict", g.label(np.array(["a", "b\0c"]), index))
    with pytest.raises(ExportError, match=r"'b\\x00c' holds a NUL"):
        CHeader().export(g.graph({}))


def test_memory_is_used_again() -> None:
    net = nn.Sequential(*(nn.Dense(n, activation="tanh") for n in (10, 30, 10, 20))).build(10, rng=0)
    assert HeaderText(CHeader().export(graph_of_network(net))).stack_bytes == (30 + 10) * 4  # activations overwrite their inputs


def test_functions_that_the_header_takes_are_all_that_formulas_name() -> None:
    from nncore.exporters.c_steps import FUNCTIONS_IN_C

    assert set(FUNCTIONS) == FUNCTIONS_IN_C
    assert "c" in registry.names("exporters")
