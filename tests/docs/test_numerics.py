"""Every sentence of the page on numerics is linked to a test here, or makes no claim."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from native_losses import Native

import nncore as nn
from nncore import registry

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "numerics.md"
sys.path.insert(0, str(ROOT / "tools"))
from prose import page_sentences  # noqa: E402

HERE = "tests/docs/test_numerics.py"
ACCURACY = "tests/activations/test_accuracy.py"
MARGINS = "tests/losses/test_margins.py"
UNDO = "tests/_core/test_undo.py"
SAMPLES = "tests/data/test_samples.py"
#: Beginnings of sentences, and the tests that check them.
CLAIMS: dict[str, tuple[str, ...]] = {
    "A test holds each sentence": (f"{HERE}::test_a_sentence_is_a_claim_with_tests_or_claims_nothing",),
    "Networks compute in float32": (f"{HERE}::test_dtypes",),
    "code computes in float64": (f"{HERE}::test_dtypes",),
    "Estimators follow the dtype": ("tests/estimators/test_mlp.py::test_float32_is_kept_and_can_be_asked_for",),
    "code rounds the factors": (
        "tests/_core/test_bfloat16.py::test_products",
        "tests/_core/test_bfloat16.py::test_what_stays_in_float32",
        "tests/network/test_precision.py::test_only_training_rounds",
    ),
    "Products in bfloat16 do so": (
        "tests/_core/test_bfloat16.py::test_numbers_that_are_none",
        "tests/_core/test_bfloat16.py::test_results_below_the_smallest_normal_number_are_0",
    ),
    "code gives weights and inputs of 8 bits": (
        "tests/layers/test_quantized_dense.py::test_sums_are_those_of_whole_numbers",
        "tests/layers/test_quantized_dense.py::test_the_longest_sums_fit",
        "tests/network/test_quantizing.py::test_a_file_holds_weights_of_8_bits",
    ),
    "The losses of an epoch": (f"{HERE}::test_losses_of_an_epoch_are_summed_in_float64",),
    "Metrics of float32": (
        "tests/metrics/test_r2.py::test_float32_is_summed_in_float64",
        "tests/metrics/test_errors.py::test_float32_is_summed_in_float64",
    ),
    "nncore has its own vector forms": (f"{HERE}::test_kernels_call_no_function_of_the_c_library_for_these",),
    "Activations are at most": (
        f"{ACCURACY}::test_float32_error_is_at_most_4_ulp",
        f"{ACCURACY}::test_float64_error_is_at_most_4_ulp",
    ),
    "The exponential inside softmax": (
        f"{ACCURACY}::test_float32_exp_inside_softmax_is_at_most_4_ulp",
        f"{ACCURACY}::test_exp_error_is_at_most_4_ulp",
    ),
    "Slopes are right": (
        f"{ACCURACY}::test_float32_slope_is_right_to_4_roundings",
        f"{ACCURACY}::test_float64_slope_is_right_to_4_roundings",
    ),
    "The tanh approximation": (f"{ACCURACY}::test_approximate_gelu_is_right_to_4_roundings",),
    "This holds at every CPU level": ("tests/activations/test_levels.py::test_native_at_level",),
    "The tests sweep all magnitudes": (f"{ACCURACY}::test_float32_error_is_at_most_4_ulp",),
    "No C file is compiled with": (f"{HERE}::test_flags_of_the_compiler",),
    "The compiler may not fuse": (f"{HERE}::test_flags_of_the_compiler",),
    "Operations flush them": (f"{HERE}::test_subnormal_numbers_are_flushed",),
    "The setting of your program": ("tests/program/test_interpreter.py::test_python_code_keeps_its_subnormals",),
    "So NumPy in your program": ("tests/program/test_interpreter.py::test_python_code_keeps_its_subnormals",),
    "code and code are checked": (
        "tests/network/test_inputs_not_finite.py::test_it_is_found_wherever_it_is",
        SAMPLES,
        "tests/data/test_targets.py",
    ),
    "Samples to predict are checked": ("tests/network/test_inputs_not_finite.py::test_it_is_found_wherever_it_is",),
    "If a loss, gradient": (
        "tests/_core/test_stops.py::test_a_loss_that_is_not_finite_stops_all_before_the_update",
        "tests/_core/test_stops.py::test_a_gradient_that_is_not_finite_stops_all_before_the_update",
        f"{UNDO}::test_a_step_that_ends_badly_leaves_nothing_behind",
    ),
    "The error names the step": (
        "tests/network/test_failures.py::test_layer_that_overflows_first_is_named",
        "tests/network/test_failures.py::test_gradient_that_overflows_is_named",
        f"{UNDO}::test_the_message_names_what_would_have_been_spoiled",
    ),
    "The network is then as": (
        f"{UNDO}::test_a_step_that_ends_badly_leaves_nothing_behind",
        f"{UNDO}::test_whatever_belongs_to_a_step",
    ),
    "This also holds where gradients": (f"{UNDO}::test_gradients_that_are_used_up_as_they_are_made",),
    "Only the ratios of sample weights": ("tests/network/test_weights.py::test_any_size",),
    "Logits of 10,000": ("tests/losses/test_numpy.py::test_logits_of_ten_thousand_do_not_overflow",),
    "Values and gradients are right": (f"{MARGINS}::test_values_and_gradients_keep_their_digits_at_every_margin",),
    "For the logits (30, 0)": (f"{HERE}::test_a_sample_that_is_nearly_certain",),
    "Its gradient is minus": (f"{HERE}::test_a_sample_that_is_nearly_certain",),
    "A loss below the smallest": (f"{HERE}::test_losses_below_the_smallest_normal_number_are_0",),
    "code, code and code take logits": (f"{MARGINS}::test_every_loss_whose_link_gives_probabilities_is_looked_at",),
    "code takes probabilities": ("tests/losses/test_numpy.py::test_softmax_cross_entropy_is_cross_entropy_behind_softmax",),
    "Its value is 0": (f"{HERE}::test_a_probability_that_was_rounded_to_1",),
    "The gradient at the logits": (f"{MARGINS}::test_the_slope_of_probabilities_keeps_the_digits_of_their_complements",),
    "A last activation": ("tests/network/test_last_activation.py::test_trained_or_refused",),
    "The gradient of every built-in": (
        "tests/test_gradients.py::test_gradient_matches_central_differences",
        "tests/test_gradients.py::test_quick_combinations_have_every_layer_activation_and_loss",
    ),
    "Random networks train alike": ("tests/differential/test_rungs.py::test_random_networks_train_alike",),
}
#: Beginnings of sentences without a claim: introductions and reasons.
NO_CLAIMS = (
    "How exactly nncore computes",
    "Else the vector part",
    "Where fusing pays",
    "Numbers below about 1e-38",
    ": which bits stay",
    ": code and code",
)


def sentences() -> list[str]:
    return [sentence.text for sentence in page_sentences(PAGE.read_text(encoding="utf-8"))]


def test_a_sentence_is_a_claim_with_tests_or_claims_nothing() -> None:
    for sentence in sentences():
        assert len([key for key in (*CLAIMS, *NO_CLAIMS) if sentence.startswith(key)]) == 1, sentence


@pytest.mark.parametrize("claim", [*CLAIMS, *NO_CLAIMS])
def test_the_page_has_the_sentence(claim: str) -> None:
    assert any(sentence.startswith(claim) for sentence in sentences())


@pytest.mark.parametrize("name", sorted({name for names in CLAIMS.values() for name in names}))
def test_the_test_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert not function or function in {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


# ---- claims without a test elsewhere --------------------------------------------------------------------------------------------


def test_dtypes() -> None:
    assert nn.Sequential(nn.Dense(2)).build(3, rng=0).parameters.dtype == np.float32
    net = nn.Sequential(nn.Dense(2)).build(3, rng=0, dtype="float64")
    assert net.parameters.dtype == net.predict(np.ones((1, 3))).dtype == np.float64


def test_losses_of_an_epoch_are_summed_in_float64() -> None:
    """One loss of 2²⁴ and a thousand of 1: float32 would lose each 1."""
    y = np.ones(1001, np.float32)
    y[0] = 2.0**12
    net = nn.Sequential(nn.Dense(1, weight_initializer="zeros", bias_initializer="zeros"))
    history = net.fit(
        np.zeros((1001, 1), np.float32), y, loss="mse", optimizer=nn.SGD(lr=1e-30), batch_size=1, shuffle=False, epochs=1, rng=0
    )
    assert history["loss"][0] == pytest.approx((2.0**24 + 1000) / 1001, rel=1e-9)


def test_kernels_call_no_function_of_the_c_library_for_these() -> None:
    """Kernels compute vectors of these activations without the C library, whose calls would prevent vectorisation."""
    for name in ("sigmoid", "tanh", "softplus", "gelu", "elu", "softmax"):
        source = (ROOT / "nncore" / "activations" / f"{name}.c").read_text(encoding="utf-8")
        source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
        assert not re.search(r"(?<![\w(])(?:exp|expm1|log|log1p|tanh|erf)f?\s*\(", source), name


def test_flags_of_the_compiler() -> None:
    setup = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    flags = {node.value for node in ast.walk(setup) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert "-ffp-contract=off" in flags
    assert not [flag for flag in flags if flag.startswith(("-ffast-math", "-funsafe-math", "-fassociative", "-Ofast"))]


def test_subnormal_numbers_are_flushed() -> None:
    net = nn.Sequential(nn.Dense(1, use_bias=False)).build(1, rng=0)
    net.parameters[:] = 1e-30
    x = np.full((1, 1), 1e-10, np.float32)
    assert (x @ np.full((1, 1), 1e-30, np.float32)).item() > 0
    assert net.predict(x).item() == 0


def of_first_class(name: str, outputs: list[float], dtype: type) -> tuple[float, np.ndarray]:
    """The loss of one sample of the first of two classes, and its gradient, by the compiled kernel."""
    target, weight = np.array([[1, 0]], dtype), np.ones(1, dtype)
    value, gradient = Native(registry.get("losses", name)(), dtype)(np.array([outputs], dtype), target, weight)
    return float(value[0]), gradient[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_that_is_nearly_certain(dtype: type) -> None:
    value, gradient = of_first_class("softmax_cross_entropy", [30, 0], dtype)
    assert value == pytest.approx(9.36e-14, rel=1e-3)
    assert gradient[0] == -gradient[1] == pytest.approx(-value, rel=1e-6)


@pytest.mark.parametrize("margin", [88, 100])
def test_losses_below_the_smallest_normal_number_are_0(margin: float) -> None:
    net = nn.Sequential(nn.Dense(2)).build(1, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=1e-30), rng=0)
    net.named_parameters()["dense_1.bias"][:] = margin, 0
    assert net.train_on_batch(np.zeros((1, 1), np.float32), [0]) == 0


def test_a_probability_that_was_rounded_to_1() -> None:
    assert of_first_class("cross_entropy", [1, 0], np.float32)[0] == 0
