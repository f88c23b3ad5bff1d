"""Conformance checks of optimizers."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.contract import Optimizer, OptimizerWrapper, TensorSpan, native_kernel
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.program import declared_state, needed_work, team_of
from nncore.testing import networks
from nncore.testing.descent import check_bowl, check_rosenbrock
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual
from nncore.testing.setting import setting
from nncore.testing.stepping import Kept, Step, evaluate, layout, native_perturb, native_step, native_step_on, numpy_step, steps, zeros
from nncore.testing.uneven import uneven

#: Numbers of parameters to test: none, one, about one vector register, and many with a remainder.
SIZES = (0, 1, 7, 8, 9, 1023)
DTYPES = (np.float32, np.float64)


class OptimizerConformance(networks.NetworkConformance):
    """Conformance checks of an optimizer.

    >>> class TestAdam(OptimizerConformance):
    ...     name = "adam"

    Attributes
    ----------
    learning_rates : sequence of float
        Learning rates to try on the bowl and on Rosenbrock's function, in addition to the default. One of them must succeed.
    bowl, rosenbrock : bool
        False if it cannot minimise this function by design, for example because it trains only matrices or needs more steps.

    The optimizer's class may have these attributes instead.
    """

    kind = "optimizers"
    guarded_check = "test_step"
    learning_rates: ClassVar[Sequence[float]] = setting((1e-3, 0.02, 0.1, 5e-4, 2e-3, 0.01, 0.5, 1.0))
    bowl: ClassVar[bool] = setting(True)
    rosenbrock: ClassVar[bool] = setting(True)

    def test_lr_comes_first(self) -> None:
        first, cls = next(iter(inspect.signature(self.component_class()).parameters), None), self.component_class()
        if issubclass(cls, OptimizerWrapper):
            expect(first == "optimizer", f"the first argument of __init__ of an OptimizerWrapper must be optimizer; it is {first}")
            return
        expect(first == "lr", f"the first argument of __init__ must be lr, which is what schedules change; it is {first}")

    def test_step(self) -> None:
        self.each(check_step)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_same_bits_every_time(self) -> None:
        self.each(check_same_bits)

    def test_parts_give_the_bits_of_the_whole(self) -> None:
        self.each(check_parts)

    def test_skips_zero(self) -> None:
        self.each(check_skips_zero)

    def test_all_state_is_in_the_state(self) -> None:
        self.each(check_resuming)

    def test_evaluation(self) -> None:
        self.each(check_evaluation)

    def test_perturb(self) -> None:
        self.each(check_perturb)

    def test_bound(self) -> None:
        self.each(check_bound)

    def test_state_is_declared_alike(self) -> None:
        self.each(check_declarations)

    def test_beside_another_optimizer(self) -> None:
        """In a network where another optimizer trains the other tensors, the bits are the same for any number of threads, and after a
        copy."""
        self._skip_what_cannot_run()
        for optimizer, pattern in [("sgd", "*.weight"), ("sgd", "*.bias"), (self.name, "*.bias")]:
            groups = {pattern: {"optimizer": self.name if optimizer == "sgd" else "sgd"}}
            ends = []
            for n_parts in (1, 2, 3):
                with team_of(n_parts):
                    ends.append(self._trained_beside(self.network(), optimizer, groups, 3))
            broken = self._trained_beside(self.network(), optimizer, groups, 1)
            ends.append(self._trained_beside(copy.deepcopy(broken), None, None, 2))
            for what, end in zip(("2 threads", "3 threads", "a copy in the middle"), ends[1:], strict=True):
                expect_same_bits(end.parameters, ends[0].parameters, f"{pattern} of another optimizer: parameters after {what}")
                for name, kept in ends[0].optimizer_state.items():
                    expect_same_bits(end.optimizer_state[name], kept, f"{pattern} of another optimizer: {name} after {what}")

    def _trained_beside(self, network: Sequential, optimizer: str | None, groups: Any, epochs: int) -> Sequential:
        options: dict[str, Any] = {"loss": "softmax_cross_entropy", "batch_size": 16, "progress": False}
        network.fit(networks.inputs(), networks.classes(), optimizer=optimizer, groups=groups, epochs=epochs, **options)
        return network

    def test_bowl(self) -> None:
        if self.bowl:
            self.each(lambda optimizer: check_bowl(optimizer, self.learning_rates))

    def test_rosenbrock(self) -> None:
        if self.rosenbrock:
            self.each(lambda optimizer: check_rosenbrock(optimizer, self.learning_rates))

    def network(self) -> Sequential:
        """A small classifier."""
        return Sequential(Dense(8, activation="tanh"), Dense(3)).build(4, rng=5)

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Fit with the optimizer by name, or continue the training of `network`."""
        optimizer = self.name if network.optimizer is None else None
        history = network.fit(
            networks.inputs(), networks.classes(), loss="softmax_cross_entropy", optimizer=optimizer,
            epochs=epochs, batch_size=16, progress=False,
        )  # fmt: skip
        return list(history["loss"])


def problem(optimizer: Optimizer, n: int, dtype: type, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Kept]:
    """Parameters of order one, six gradients (6, n), and the state before the first step."""
    rng = np.random.default_rng([n, seed])
    return rng.normal(size=n).astype(dtype), rng.normal(size=(6, n)).astype(dtype), zeros(optimizer, n, dtype, layout(n))


def run(
    step: Step, optimizer: Optimizer, w: np.ndarray, gradients: np.ndarray, state: Kept, first: int = 1, shift: int = 0
) -> dict[str, np.ndarray]:
    """Parameters and state, by name, after a step for every row of `gradients`, on guarded copies.

    Buffers begin `shift` numbers after a vector's boundary.
    """
    names = ["w", *state_names(optimizer, w.size)]
    guarded = [Guarded(array, name, shift * array.itemsize) for name, array in zip(names, [w, *state], strict=True)]
    own_w, *own_state = (one.array for one in guarded)
    for t, g in enumerate(gradients, start=first):
        guarded_g = Guarded(g, "g", shift * g.itemsize)
        step(optimizer, own_w, guarded_g.array, own_state, t, layout(w.size))
        expect_same_bits(guarded_g.check(), g, f"g after step {t}, which must not write it (n = {w.size})")
        for one in guarded:
            one.check()
    return dict(zip(names, (one.array for one in guarded), strict=True))


def state_names(optimizer: Optimizer, n: int) -> list[str]:
    """Names of the state's arrays in messages."""
    if not optimizer.needs_tensors:
        return ["state"]
    tensors = layout(n)
    pairs = zip(tensors, declared_state(optimizer, tensors), strict=True)
    return [f"state {state.name} of {tensor.name}" for tensor, states in pairs for state in states]


def check_step(optimizer: Optimizer) -> None:
    """Check on every rung and for every size that steps change `w` and `state` in place, do not change `g`, and give finite numbers."""
    for rung, step in steps(optimizer).items():
        for n in SIZES:
            for dtype in DTYPES:
                w, gradients, state = problem(optimizer, n, dtype)
                after = run(step, optimizer, w, gradients, state)
                what = f"{rung}, n = {n}, {dtype.__name__}"
                for name, array in after.items():
                    expect(np.isfinite(array).all(), f"{what}: six steps give numbers that are not finite, in {name}")
                expect(n == 0 or (after["w"] != w).any(), f"{what}: six steps leave w as it was; it is to be changed in place")


def check_agreement(optimizer: Optimizer) -> None:
    """Check that the kernel agrees with `step`, for the given hyperparameters and for unusual ones.

    The kernel makes six steps from parameters and gradients of order one. The results may differ by 16 roundings. Or they may differ by 16
    times the effect of a change of the parameters and gradients by one rounding in NumPy, where that is more (iterations amplify it).
    """
    if native_kernel(optimizer) is None:
        return
    for variant in [optimizer, *unusual(optimizer)]:
        for n in SIZES:
            for dtype in DTYPES:
                arguments = problem(variant, n, dtype)
                expected, actual = run(numpy_step, variant, *arguments), run(native_step, variant, *arguments)
                nearby = run(numpy_step, variant, *_rounded_otherwise(arguments))
                what = f"{variant!r}, n = {n}, {dtype.__name__}: the kernel's"
                for name, should in expected.items():
                    eps = float(np.finfo(dtype).eps)
                    amplified = float(np.abs(nearby[name] - should).max(initial=0))
                    expect_close(actual[name], should, 16 * np.maximum(eps * np.maximum(1, np.abs(should)), amplified), f"{what} {name}")


def _rounded_otherwise(arguments: tuple[np.ndarray, np.ndarray, Kept]) -> tuple[np.ndarray, np.ndarray, Kept]:
    w, gradients, state = arguments
    rng = np.random.default_rng(1)
    w, gradients = (a * (1 + rng.choice([-1, 1], a.shape).astype(a.dtype) * np.finfo(a.dtype).eps) for a in (w, gradients))
    return w, gradients, state


def check_same_bits(optimizer: Optimizer) -> None:
    """Check that the same inputs give the same bits, also for an equal optimizer and for any alignment of the buffers."""
    for rung, step in steps(optimizer).items():
        for dtype in DTYPES:
            arguments = problem(optimizer, 1023, dtype)
            first = run(step, optimizer, *arguments)
            for other in (optimizer, type(optimizer)(**optimizer.config())):
                for name, again in run(step, other, *arguments).items():
                    expect_same_bits(again, first[name], f"{rung}, {dtype.__name__}: {name} of a second run")
            elsewhere = run(step, optimizer, *arguments, shift=1)
            expect_same_bits(elsewhere["w"], first["w"], f"{rung}, {dtype.__name__}: w where the buffers begin elsewhere in memory")


def check_skips_zero(optimizer: Optimizer) -> None:
    """If the class declares it, check that a step with zero gradients changes nothing."""
    for rung, step in steps(optimizer).items() if optimizer.skips_zero else ():
        for dtype in DTYPES:
            w, gradients, state = problem(optimizer, 1023, dtype)
            stepped = run(step, optimizer, w, gradients, state)
            for name, after in run(step, optimizer, w, np.concatenate([gradients, np.zeros((1, w.size), dtype)]), state).items():
                what = f"{rung}, {dtype.__name__}: {name} after a step with gradients of zero, which skips_zero says changes nothing"
                expect_same_bits(after, stepped[name], what)


def check_parts(optimizer: Optimizer) -> None:
    """Check that steps of the kernel on parts of the parameters or tensors give the same bits as steps on all: threads share them."""
    if native_kernel(optimizer) is None:
        return
    for n in SIZES:
        for dtype in DTYPES:
            w, gradients, state = problem(optimizer, n, dtype)
            whole = run(native_step, optimizer, w, gradients, state)
            for step in _steps_in_parts(n, optimizer):
                for name, actual in run(step, optimizer, w, gradients, state).items():
                    what = "tensors" if optimizer.needs_tensors else "parameters"
                    expect_same_bits(actual, whole[name], f"n = {n}, {dtype.__name__}: {name} after steps on some {what} at a time")


def _steps_in_parts(n: int, optimizer: Optimizer) -> Iterator[Step]:
    """Ways to split a step: into uneven parts, or at each tensor, with the last ones first."""
    if not optimizer.needs_tensors:
        yield _in_parts([slice(begin, end) for begin, end in uneven(n)])
        return
    n_tensors = len(layout(n))
    for cut in range(n_tensors + 1):
        yield _in_parts([slice(cut, n_tensors), slice(0, cut)])
    yield _in_parts([slice(i, i + 1) for i in range(n_tensors)])


def _in_parts(parts: Sequence[slice]) -> Step:
    def step(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, state: Kept, t: int, tensors: Sequence[TensorSpan]) -> None:
        for part in parts:
            native_step_on(optimizer, w, g, state, t, tensors, part)

    return step


def check_declarations(optimizer: Optimizer) -> None:
    """Check that `state` and `work` depend only on the tensors, also for few or none of them."""
    for n in SIZES:
        for tensors in (layout(n), layout(n)[:1], layout(n)[1:]):
            again = type(optimizer)(**optimizer.config())
            expect(
                declared_state(optimizer, tensors) == declared_state(again, tensors), f"two equal optimizers declare other state for {n}"
            )
            expect(
                needed_work(optimizer, tensors) == needed_work(again, tensors), f"two equal optimizers need other working memory for {n}"
            )


def check_resuming(optimizer: Optimizer) -> None:
    """Check that a new optimizer continues from w, state and t with the same bits: there is no hidden state."""
    for rung, step in steps(optimizer).items():
        w, gradients, state = problem(optimizer, 33, np.float32)
        straight = run(step, type(optimizer)(**optimizer.config()), w, gradients, state)
        middle = run(step, type(optimizer)(**optimizer.config()), w, gradients[:3], state)
        after = list(middle.values())
        resumed = run(step, type(optimizer)(**optimizer.config()), after[0], gradients[3:], after[1:], first=4)
        for name, actual in resumed.items():
            expect_same_bits(actual, straight[name], f"{rung}: {name} after resuming in the middle (is something kept outside `state`?)")


def check_evaluation(optimizer: Optimizer) -> None:
    """Check that `evaluation` gives `w` before the first step, and later writes finite numbers only to `out`, the same in parts."""
    for rung, step in steps(optimizer).items():
        for n in SIZES:
            for dtype in DTYPES:
                w, gradients, state = problem(optimizer, n, dtype)
                what = f"{rung}, n = {n}, {dtype.__name__}: evaluation"
                expect_same_bits(_evaluated(optimizer, w, state), w, f"{what} of a state of zeros, which is to be w")
                w, *state = run(step, optimizer, w, gradients, state).values()
                evaluated = _evaluated(optimizer, w, state)
                expect(np.isfinite(evaluated).all(), f"{what} gives numbers that are not finite after six steps")
                if not optimizer.needs_tensors:
                    parts = [_evaluated(optimizer, w[begin:end], [state[0][:, begin:end]]) for begin, end in sorted(uneven(n))]
                    expect_same_bits(np.concatenate([*parts, w[:0]]), evaluated, f"{what} of some parameters at a time")


def _evaluated(optimizer: Optimizer, w: np.ndarray, state: Kept) -> np.ndarray:
    guarded_w, out = Guarded(w, "w"), Guarded(np.full_like(w, np.nan), "out")
    guarded_state = [Guarded(kept, "state") for kept in state]
    evaluate(optimizer, guarded_w.array, [guarded.array for guarded in guarded_state], out.array, layout(w.size))
    expect_same_bits(guarded_w.check(), w, "w after evaluation, which must not write it")
    for guarded, kept in zip(guarded_state, state, strict=True):
        expect_same_bits(guarded.check(), kept, "state after evaluation, which must not write it")
    return out.check()


def check_bound(optimizer: Optimizer) -> None:
    """Check that no number changes by more than `bound`, for gradients of any size, in the first and in later steps."""
    for variant in [optimizer, *unusual(optimizer)]:
        if variant.needs_tensors and any(declared_state(variant, layout(33))):
            continue  # the host does not call it
        for size in (1e-12, 1.0, 1e12):
            w, gradients, state = problem(variant, 33, np.float64)
            t = 1
            for some in (size * gradients, size * np.abs(gradients), gradients):
                ranges = [(float(slot.min()), float(slot.max())) for slot in (() if variant.needs_tensors else state[0])]
                bound = variant.bound(float(np.abs(w).max()), float(np.abs(some).max()), ranges, len(some))
                for g in some:
                    numpy_step(variant, w, g, state, t, layout(33))
                    furthest = max(float(np.abs(array).max(initial=0)) for array in (w, *state))
                    what = f"{variant!r}: step {t} with gradients up to {np.abs(some).max():.3g}"
                    expect(furthest <= bound * (1 + 1e-9), f"{what} goes to {furthest:.6g}; its bound says {bound:.6g} at most")
                    t += 1


def check_perturb(optimizer: Optimizer) -> None:
    """Check for two-pass optimizers that `perturb` writes finite numbers only to `w`, the same in parts and on both rungs, also for zero
    gradients."""
    if optimizer.n_passes == 1:
        return
    for n in SIZES:
        for dtype in DTYPES:
            w, gradients, _ = problem(optimizer, n, dtype)
            what = f"n = {n}, {dtype.__name__}: perturb"
            for g in (gradients[0], np.zeros_like(w)):
                norm = float(np.linalg.norm(g.astype(np.float64)))
                moved = _perturbed(optimizer, w, g, norm)
                expect(np.isfinite(moved).all(), f"{what} by gradients of norm {norm:.3g} gives numbers that are not finite")
                parts = [_perturbed(optimizer, w[begin:end], g[begin:end], norm) for begin, end in sorted(uneven(n))]
                expect_same_bits(np.concatenate([*parts, w[:0]]), moved, f"{what} of some parameters at a time")
                if native_kernel(optimizer) is not None:
                    compiled = _perturbed(optimizer, w, g, norm, native_perturb)
                    tolerance = 8 * float(np.finfo(dtype).eps) * np.maximum(1, np.abs(moved))
                    expect_close(compiled, moved, tolerance, f"{what} of the kernel")
            expect(n == 0 or (_perturbed(optimizer, w, gradients[0], 1.0) != w).any(), f"{what} leaves w as it was")


def _perturbed(optimizer: Optimizer, w: np.ndarray, g: np.ndarray, norm: float, perturb: Any = None) -> np.ndarray:
    guarded_w, guarded_g = Guarded(w, "w"), Guarded(g, "g")
    (perturb or type(optimizer).perturb)(optimizer, guarded_w.array, guarded_g.array, norm)
    expect_same_bits(guarded_g.check(), g, "g after perturb, which must not write it")
    return guarded_w.check()
