"""nncore/plugin.h is stable: sizes and offsets, its Cython and Python mirrors, and any C or C++ compiler accepts it."""

from __future__ import annotations

import ctypes
import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import nncore
from nncore.contract import calls
from nncore.plugin import ABI_MAJOR, ABI_MINOR, CALLS, TABLES
from nncore.testing import tables

HEADER = Path(nncore.get_include()) / "nncore" / "plugin.h"
DECLARATIONS = Path(nncore.__file__).parent / "abi.pxd"

#: Size of every structure and offset of every field where pointers have 8 bytes. Within one ABI_MAJOR lines may be added at the
#: end of a table, and nothing else may change: installed plugins were compiled against it.
LAYOUT: dict[str, tuple[int, dict[str, int]]] = {
    "nnc_head": (16, {"abi_major": 0, "abi_minor": 4, "struct_size": 8}),
    "nnc_gemm_call": (
        104,
        {
            "struct_size": 0, "a": 8, "b": 16, "start": 24, "c": 32, "m": 40, "n": 48, "k": 56, "a_stride": 64, "b_stride": 72,
            "start_stride": 80, "c_stride": 88, "a_transposed": 96, "b_transposed": 100,
        },
    ),
    "nnc_host": (
        128,
        {
            "struct_size": 0, "gemm_f32": 8, "gemm_f64": 16, "random_words": 24, "exp_f32": 32, "exp_f64": 40, "log_f32": 48,
            "log_f64": 56, "tanh_f32": 64, "tanh_f64": 72, "sigmoid_f32": 80, "sigmoid_f64": 88,
            "sinpi_f32": 96, "sinpi_f64": 104, "cospi_f32": 112, "cospi_f64": 120,
        },
    ),
    "nnc_site": (
        104,
        {
            "struct_size": 0, "host": 8, "hyper": 16, "numbers": 24, "input_shape": 32, "output_shape": 40, "work": 48, "message": 56,
            "seed": 64, "step": 72, "layer": 80, "training": 84, "part": 88, "n_numbers": 92, "n_input_dims": 96, "n_output_dims": 100,
        },
    ),
    "nnc_activation_call": (64, {"struct_size": 0, "site": 8, "z": 16, "a": 24, "d_a": 32, "d_z": 40, "n_rows": 48, "n_columns": 56}),
    "nnc_activation": (
        64,
        {
            "head": 0, "forward_f32": 16, "forward_f64": 24, "backward_f32": 32, "backward_f64": 40, "forward_with_slope_f32": 48,
            "forward_with_slope_f64": 56,
        },
    ),
    "nnc_loss_call": (
        104,
        {
            "struct_size": 0, "site": 8, "output": 16, "target": 24, "labels": 32, "weight": 40, "loss": 48, "d_output": 56, "n_rows": 64,
            "n_outputs": 72, "n_targets": 80, "first_row": 88, "batch_rows": 96,
        },
    ),
    "nnc_loss": (48, {"head": 0, "real_f32": 16, "real_f64": 24, "labels_f32": 32, "labels_f64": 40}),
    "nnc_metric_call": (
        80,
        {
            "struct_size": 0, "site": 8, "output": 16, "target": 24, "labels": 32, "terms": 40, "n_rows": 48, "n_outputs": 56,
            "n_targets": 64, "n_terms": 72,
        },
    ),
    "nnc_metric": (48, {"head": 0, "real_f32": 16, "real_f64": 24, "labels_f32": 32, "labels_f64": 40}),
    "nnc_tensor": (56, {"w": 0, "g": 8, "state": 16, "offset": 24, "rows": 32, "columns": 40, "layer": 48, "role": 52}),
    "nnc_optimizer_call": (
        104,
        {
            "struct_size": 0, "site": 8, "w": 16, "g": 24, "state": 32, "tensors": 40, "n_tensors": 48, "begin_tensor": 56,
            "end_tensor": 64, "n": 72, "stride": 80, "t": 88, "norm": 96,
        },
    ),
    "nnc_optimizer": (
        80,
        {
            "head": 0, "step_f32": 16, "step_f64": 24, "perturb_f32": 32, "perturb_f64": 40, "before_step_f32": 48, "before_step_f64": 56,
            "after_step_f32": 64, "after_step_f64": 72,
        },
    ),
    "nnc_regularizer_call": (
        96,
        {
            "struct_size": 0, "site": 8, "w": 16, "g": 24, "value": 32, "n_rows": 40, "n_columns": 48, "stride": 56, "first_row": 64,
            "first_column": 72, "tensor_rows": 80, "tensor_columns": 88,
        },
    ),
    "nnc_regularizer": (48, {"head": 0, "value_f32": 16, "value_f64": 24, "add_gradient_f32": 32, "add_gradient_f64": 40}),
    "nnc_constraint_call": (
        88,
        {
            "struct_size": 0, "site": 8, "w": 16, "n_rows": 24, "n_columns": 32, "stride": 40, "first_row": 48, "first_column": 56,
            "tensor_rows": 64, "tensor_columns": 72, "rate": 80,
        },
    ),
    "nnc_constraint": (32, {"head": 0, "project_f32": 16, "project_f64": 24}),
    "nnc_batch_sums": (24, {"own": 0, "other": 8, "other_rows": 16}),
    "nnc_touched": (32, {"tensor": 0, "rows": 8, "filled": 16, "before": 24}),
    "nnc_sparse_rows": (
        72,
        {
            "struct_size": 0, "begins": 8, "ends": 16, "columns": 24, "values": 32, "sorted_columns": 40, "sorted_rows": 48,
            "sorted_values": 56, "n_sorted": 64,
        },
    ),
    "nnc_layer_call": (
        208,
        {
            "struct_size": 0, "site": 8, "x": 16, "y": 24, "d_y": 32, "d_x": 40, "parameters": 48, "tensors": 56, "d_parameters": 64,
            "d_tensors": 72, "buffers": 80, "cache": 88, "n_tensors": 96, "n_rows": 104, "n_inputs": 112, "n_outputs": 120,
            "first_row": 128, "batch_rows": 136, "begin_column": 144, "end_column": 152, "begin_parameter": 160, "end_parameter": 168,
            "activation": 176, "sums": 184, "touched": 192, "sparse": 200,
        },
    ),
    "nnc_layer": (
        144,
        {
            "head": 0, "forward_f32": 16, "forward_f64": 24, "backward_f32": 32, "backward_f64": 40, "gradient_f32": 48, "gradient_f64": 56,
            "forward_sums_f32": 64, "forward_sums_f64": 72, "backward_sums_f32": 80, "backward_sums_f64": 88, "join_sums_f32": 96,
            "join_sums_f64": 104, "touch_f32": 112, "touch_f64": 120, "touched_gradient_f32": 128, "touched_gradient_f64": 136,
        },
    ),
    "nnc_transform_call": (
        112,
        {
            "struct_size": 0, "site": 8, "source": 16, "source_target": 24, "source_weight": 32, "target": 40, "weight": 48, "x": 56,
            "columns": 64, "n_rows": 72, "n_inputs": 80, "n_targets": 88, "first_row": 96, "batch_rows": 104,
        },
    ),
    "nnc_transform": (32, {"head": 0, "apply_f32": 16, "apply_f64": 24}),
}  # fmt: skip
CONSTANTS = {
    "NNC_ABI_MAJOR": 1,
    "NNC_ABI_MINOR": 0,
    "NNC_MESSAGE_BYTES": 256,
    "NNC_ROLE_WEIGHT": 0,
    "NNC_ROLE_BIAS": 1,
    "NNC_ROLE_SCALE": 2,
    "NNC_TOUCHED_ROWS": 256,
}
#: Structures that also have a ctypes definition.
MIRRORS = [
    ("nnc_head", calls.HeadStruct), ("nnc_site", calls.SiteStruct), ("nnc_tensor", calls.TensorStruct),
    ("nnc_batch_sums", calls.BatchSumsStruct), ("nnc_touched", calls.TouchedStruct), ("nnc_sparse_rows", calls.SparseRowsStruct),
    *((f"nnc_{kind}_call", struct) for kind, struct in CALLS.items()),
]  # fmt: skip
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]

needs_64_bits = pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the snapshot is of a machine with 64-bit pointers")


def compiler(variable: str) -> str:
    """The compiler of this Python (``CC`` or ``CXX``), if it is installed."""
    program = shlex.split(sysconfig.get_config_var(variable) or "cc")[0]
    if shutil.which(program) is None:
        pytest.skip(f"there is no compiler {program}")
    return program


@needs_64_bits
def test_layout(tmp_path: Path) -> None:
    lines = ['#include "nncore/plugin.h"', "#include <stdio.h>", "int main(void) {"]
    for struct, (_, fields) in LAYOUT.items():
        lines.append(f'    printf("%zu", sizeof({struct}));')
        lines += [f'    printf(" %zu", offsetof({struct}, {field}));' for field in fields]
        lines.append('    printf("\\n");')
    lines += [f'    printf("%d ", (int){constant});' for constant in CONSTANTS]
    (tmp_path / "layout.c").write_text("\n".join([*lines, "    return 0;", "}"]))
    subprocess.run([compiler("CC"), "-I", nncore.get_include(), "-o", "layout", "layout.c"], cwd=tmp_path, check=True)
    *measured, constants = subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout.splitlines()
    for (struct, (size, fields)), line in zip(LAYOUT.items(), measured, strict=True):
        assert [int(number) for number in line.split()] == [size, *fields.values()], struct
    assert [int(number) for number in constants.split()] == list(CONSTANTS.values())


def structs(source: str) -> dict[str, list[str]]:
    """Names of the fields of each structure that a header or a pxd declares."""
    if source.lstrip().startswith("/*"):
        source = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        bodies = re.findall(r"typedef struct (\w+) \{(.*?)\}", source, flags=re.DOTALL)
        return {name: re.findall(r"(\w+);", body) for name, body in bodies}
    bodies = re.findall(r"ctypedef struct (\w+):\n((?: {8}.*\n?)+)", source)
    return {name: re.findall(r"(\w+)$", body, flags=re.MULTILINE) for name, body in bodies}


def signatures(source: str) -> dict[str, list[str]]:
    """Result and parameter types of each function type that a header or a pxd declares, spaces and names left out."""
    source = re.sub(r"/\*.*?\*/|#.*", "", source, flags=re.DOTALL if source.lstrip().startswith("/*") else 0)
    found = re.findall(r"typedef (\w+) \(\*(\w+)\)\((.*?)\)", source, flags=re.DOTALL)
    return {
        name: [result, *(re.sub(r"\s*\w+$", "", " ".join(p.split())) for p in parameters.split(","))] for result, name, parameters in found
    }


def test_the_header_declares_what_the_snapshot_has() -> None:
    assert structs(HEADER.read_text()) == {struct: list(fields) for struct, (_, fields) in LAYOUT.items()}


def test_cython_s_declarations_are_the_header_s() -> None:
    header, pxd = HEADER.read_text(), DECLARATIONS.read_text()
    assert structs(pxd) == structs(header)
    of_header, of_pxd = signatures(re.sub(r"^#.*$", "", header, flags=re.MULTILINE)), signatures(pxd)
    assert of_pxd == of_header
    assert len(of_pxd) == len(re.findall(r"\(\*nnc_", header))
    # Without `noexcept nogil` Cython would take the GIL to look for an exception after every call.
    assert pxd.count("noexcept nogil") == len(of_pxd)
    assert all(re.search(rf"\b{constant}\b", pxd) for constant in CONSTANTS)


def test_python_s_tables_are_the_header_s() -> None:
    assert (CONSTANTS["NNC_ABI_MAJOR"], CONSTANTS["NNC_ABI_MINOR"]) == (ABI_MAJOR, ABI_MINOR)
    assert {f"nnc_{kind}": ["head", *names] for kind, names in TABLES.items()} == {
        struct: fields for struct, fields in structs(HEADER.read_text()).items() if "head" in fields
    }
    assert CONSTANTS["NNC_MESSAGE_BYTES"] == tables.MESSAGE_BYTES
    assert {role: CONSTANTS[f"NNC_ROLE_{role.upper()}"] for role in tables.ROLES} == tables.ROLES


@needs_64_bits
@pytest.mark.parametrize(("struct", "mirror"), MIRRORS)
def test_ctypes_mirrors(struct: str, mirror: type[ctypes.Structure]) -> None:
    size, fields = LAYOUT[struct]
    assert ctypes.sizeof(mirror) == size
    assert {name: getattr(mirror, name).offset for name, *_ in mirror._fields_} == fields


def test_numpy_mirror_of_a_tensor() -> None:
    size, fields = LAYOUT["nnc_tensor"]
    assert tables.TENSOR.itemsize == size
    assert {name: tables.TENSOR.fields[name][1] for name in tables.TENSOR.names} == fields


@pytest.mark.parametrize(("variable", "standard", "suffix"), [("CC", "c11", "c"), ("CXX", "c++17", "cpp")])
@pytest.mark.parametrize("header", ["plugin.h", "float32.h", "float64.h"])
def test_compiles_without_a_warning(variable: str, standard: str, suffix: str, header: str, tmp_path: Path) -> None:
    source = tmp_path / f"header.{suffix}"
    use = "static nnc_head head = NNC_HEAD(nnc_optimizer);\nint main(void) { return head.abi_major != NNC_ABI_MAJOR; }\n"
    includes = f'#include "nncore/{header}"\n' + ('#include "nncore/plugin.h"\n' if header != "plugin.h" else "")
    source.write_text(includes + use)
    command = [compiler(variable), f"-std={standard}", *WARNINGS, "-fsyntax-only", "-I", nncore.get_include(), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
