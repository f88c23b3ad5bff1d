"""Measurements outside the grid, section by section, and their goals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nncore.bench.grid import Case, task
from nncore.bench.yardsticks import AGAINST_FLOAT32, AGAINST_SKLEARN, BEYOND, FRACTION, MULTIPLE, SHARE, Yardstick

#: Rows of one call whose time, divided by them, is the arithmetic of a row.
MANY_ROWS = 4096
#: Bytes of the data of an epoch whose time, divided by its steps, is the arithmetic of a step: they stay in a second-level cache.
EPOCH_BYTES = 2**19

CALLS_CASE = Case((4, 16, 16, 3), 32)
CALLS_GOALS = {"train_on_batch": 10e-6, "forward, backward, step": 15e-6, "predict": 4e-6, "predict_one": 1e-6}

#: The network of an estimator at its defaults, on the digits.
ESTIMATOR_WIDTHS = (64, 100, 10)
ESTIMATOR_ROWS = (1, 10, 100, 1797, 10_000)
#: Most seconds beyond the arithmetic for one row, by what it lies in.
ESTIMATOR_GOALS = {"array": 40e-6, "frame": 150e-6, "predict_one": 5e-6}

#: Widths, training rows, validation rows, batch size: what four fifths and one fifth of iris and of the digits are.
EPOCHS = {"iris": ((4, 16, 3), 120, 30, 32), "digits": ((64, 100, 10), 1437, 360, 128)}
EPOCH_GOAL = 20e-6

#: Least times as fast as scikit-learn, by the fit.
FIT_GOALS = {
    "grid search, small networks, n_jobs=None": 8.0,
    "grid search, small networks, n_jobs=2": 8.0,
    "10 bagged networks, digits, threads, n_jobs=2": None,
    "digits at the defaults": 6.0,
    "iris": None,
    "digits by L-BFGS": 3.0,
}

#: Rows and columns of sparse samples, of whose numbers one in a thousand is there.
SPARSE_FITS = {"5,000 × 20,000": (5000, 20_000), "2,000 × 100,000": (2000, 100_000)}
SPARSE_GOAL = 2.0

#: Networks, widths, most times as long as one network on one thread (two) or as one after the other (more).
TOGETHER = ((2, (4, 16, 16, 3), 1.05), (2, (64, 100, 10), 1.05), (16, (4, 16, 16, 3), None), (16, (64, 100, 10), None))

#: Rows, inputs and outputs of a product in float32, and the goal for the product as a fraction of the peak.
PRODUCTS = {(128, 256, 256): 0.92, (512, 512, 512): 0.92, (2048, 2048, 2048): 0.90}

#: Steps in bfloat16, and how many times as fast they are to be as in float32, from the batch size on.
BFLOAT16_CASES = tuple(
    Case(widths, batch, threads)
    for threads in (1, 2)
    for widths, batch in (((784, 512, 512, 10), 32), ((784, 512, 512, 10), 128), ((784, 512, 512, 10), 512), ((1024, 2048, 2048, 10), 512))
)
BFLOAT16_GOAL, BFLOAT16_GOAL_BATCH = 1.6, 512
#: A TabM of its default shape, and its members.
TABM_CASES = tuple(Case((9, 512, 512, 512, 1), 256, threads, loss="mse") for threads in (1, 2))
TABM_MEMBERS = 32

#: Predictions with products of 8 bits, and how many times as fast they are to be as in float32.
INT8_CASES = (Case((784, 512, 512, 10), 1), Case((784, 512, 512, 10), 1024), Case((54, 256, 256, 7), 1024))
INT8_GOALS = {INT8_CASES[1]: 1.8}

ACTIVATIONS_CASE = Case((54, 256, 256, 7), 128)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "mish", "selu", "silu", "elu")
ACTIVATION_GOAL = 1 / 3


@dataclass(frozen=True)
class Question:
    """One line to measure.

    Parameters
    ----------
    what : str
        Its name.
    task : dict
        What the sides are asked, see `nncore.bench.grid.task`.
    base : tuple of (dict, float)
        Tasks only for nncore, and the factor of each result in the line's base.
    goal : float, optional
    flops : float, optional
        Floating-point operations, if the line is shown as a speed.
    threads : int, default 1
    needs : tuple of str
        Modules that nncore's own interpreter must have.
    rounds : bool
        Whether the processor must have bfloat16.
    """

    what: str
    task: dict[str, Any]
    base: tuple[tuple[dict[str, Any], float], ...] = ()
    goal: float | None = None
    flops: float | None = None
    threads: int = 1
    needs: tuple[str, ...] = ()
    rounds: bool = False


@dataclass(frozen=True)
class Section:
    """A table of lines.

    Parameters
    ----------
    title : str
    text : str
        What the page says of it.
    yardstick : Yardstick
    questions : callable
        Returns the lines to measure.
    """

    title: str
    text: str
    yardstick: Yardstick
    questions: Callable[[], list[Question]]


def _step(widths: tuple[int, ...], batch: int, activation: str = "relu") -> dict[str, Any]:
    """A step inside `fit`."""
    case = Case(widths, batch, activation=activation)
    return task("training", case, batch * (EPOCH_BYTES // (4 * widths[0] * batch)))


def _rows(widths: tuple[int, ...], n_rows: int) -> tuple[dict[str, Any], float]:
    """The forward pass of a number of rows, as part of a call with many."""
    return task("prediction", Case(widths, MANY_ROWS), MANY_ROWS), n_rows / MANY_ROWS


def _calls() -> list[Question]:
    widths, batch = CALLS_CASE.widths, CALLS_CASE.batch
    return [
        Question(
            what,
            task("call", CALLS_CASE, batch) | {"call": what, "clock": "cpu"},
            (_rows(widths, 1),) if what.startswith("predict") else ((_step(widths, batch), 1.0),),
            goal,
        )
        for what, goal in CALLS_GOALS.items()
    ]


def _estimators() -> list[Question]:
    def question(method: str, n_rows: int, container: str, goal: float | None) -> Question:
        what = f"{method}, {n_rows} row{'' if n_rows == 1 else 's'}, {container}"
        asked = {"kind": "estimator", "method": method, "rows": n_rows, "container": container, "clock": "cpu"}
        return Question(what, asked, (_rows(ESTIMATOR_WIDTHS, n_rows),), goal, needs=("sklearn", *["pandas"] * (container == "frame")))

    methods = ("predict", "predict_proba")
    return [
        *(question(method, n, "array", ESTIMATOR_GOALS["array"] if n == 1 else None) for method in methods for n in ESTIMATOR_ROWS),
        *(question(method, 1, "frame", ESTIMATOR_GOALS["frame"]) for method in methods),
        question("predict_one", 1, "array", ESTIMATOR_GOALS["predict_one"]),
    ]


def _epochs() -> list[Question]:
    questions = []
    for name, (widths, n_rows, n_validation, batch) in EPOCHS.items():
        asked = {"kind": "epoch", "widths": list(widths), "rows": n_rows, "validation_rows": n_validation, "batch": batch}
        base = (_step(widths, batch), n_rows / batch), _rows(widths, n_validation)
        questions.append(Question(name, asked, base, EPOCH_GOAL))
    return questions


def _fits() -> list[Question]:
    return [
        Question(what, {"kind": "fit", "fit": what}, goal=goal, threads=2 if what.endswith("n_jobs=2") else 1, needs=("sklearn",))
        for what, goal in FIT_GOALS.items()
    ]


def _sparse() -> list[Question]:
    return [Question(what, {"kind": "fit", "fit": f"sparse, {what}"}, goal=SPARSE_GOAL, needs=("sklearn",)) for what in SPARSE_FITS]


def _many() -> list[Question]:
    def question(n_networks: int, widths: tuple[int, ...], goal: float | None) -> Question:
        asked = task("many", Case(widths, 32), 1600)
        return Question(
            f"{n_networks} networks {Case(widths, 32).net}",
            asked | {"networks": n_networks, "threads": 2},
            ((asked | {"networks": 1, "threads": 1}, 1.0 if n_networks == 2 else float(n_networks)),),
            goal,
            threads=2,
        )

    return [question(*each) for each in TOGETHER]


def _products() -> list[Question]:
    questions = []
    for (n_rows, n_inputs, n_outputs), goal in PRODUCTS.items():
        case = Case((n_inputs, n_outputs), n_rows)
        flops, name = float(case.forward_flops), f"{n_rows} × {n_inputs} × {n_outputs}"
        peak = (({"kind": "flop"}, flops),)
        questions.append(Question(f"{name}, alone", task("kernel", case, n_rows), peak, goal, flops))
        questions.append(Question(name, task("product", case, n_rows), peak, None, flops))
    return sorted(questions, key=lambda question: question.task["kind"])  # those of a kind share their processes


def _bfloat16() -> list[Question]:
    def question(case: Case, members: int = 0) -> Question:
        step = task("members", case, 4 * case.batch) | {"members": members} if members else task("training", case, 4 * case.batch)
        goal = BFLOAT16_GOAL if members or case.batch >= BFLOAT16_GOAL_BATCH else None
        what = f"TabM {case.label}" if members else case.label
        return Question(what, step | {"precision": "bfloat16"}, ((step, 1.0),), goal, threads=case.threads, rounds=True)

    return [*(question(case) for case in BFLOAT16_CASES), *(question(case, TABM_MEMBERS) for case in TABM_CASES)]


def _int8() -> list[Question]:
    def question(case: Case) -> Question:
        asked = task("prediction", case, case.batch)
        return Question(f"{case.net} at {case.batch}", asked | {"precision": "int8"}, ((asked, 1.0),), INT8_GOALS.get(case))

    return [question(case) for case in INT8_CASES]


def _activations() -> list[Question]:
    widths, batch = ACTIVATIONS_CASE.widths, ACTIVATIONS_CASE.batch
    relu = ((_step(widths, batch), 1.0),)
    return [Question(name, _step(widths, batch, name), relu, None if name == "relu" else ACTIVATION_GOAL) for name in ACTIVATIONS]


SECTIONS = {
    "calls": Section(
        "Calls",
        f"""CPU time of one call from Python. The network is {CALLS_CASE.net}. A training call gets {CALLS_CASE.batch} rows, a prediction
gets one. The arithmetic is that of a step inside `fit`, or of one row among {MANY_ROWS}. The rest is the call.""",
        BEYOND,
        _calls,
    ),
    "estimators": Section(
        "Predictions of estimators",
        f"""CPU time of one call of an `MLPClassifier` with its default settings, fitted to the digits (64-100-10, float64). The arithmetic
is that of as many rows among {MANY_ROWS} of the same network in float32.""",
        BEYOND,
        _estimators,
    ),
    "epochs": Section(
        "The end of an epoch",
        """CPU time of one epoch of `fit` with validation: 4-16-3 at batch 32 for iris, 64-100-10 at batch 128 for the digits. The
arithmetic is that of as many steps inside a long `fit` and of the forward pass of the validation rows. The rest is the end
of the epoch; "none" if the epoch took no longer than the same steps inside the long `fit`, whose data are larger.""",
        BEYOND,
        _epochs,
    ),
    "fits": Section(
        "Small fits",
        """Whole fits of an `MLPClassifier` with the same settings in both libraries, until the stopping rule ends them. The grid search
tries 6 candidates 4-16-3 in 3 folds on iris, at most 100 epochs each. 10 bagged networks 64-32-10 have 20
epochs at most. The fit of iris has the default 100 hidden units.""",
        AGAINST_SKLEARN,
        _fits,
    ),
    "sparse": Section(
        "Sparse samples",
        """Three epochs of an `MLPClassifier` with its defaults (100 hidden units, batches of 200, Adam) on a sparse float32 matrix,
rows × columns. One number in a thousand is not 0, as in a bag of words.""",
        AGAINST_SKLEARN,
        _sparse,
    ),
    "many": Section(
        "Many networks at once",
        """`fit_many` on two threads: 20 epochs of 1,600 rows at batch 32. The base of two networks is one network on one thread. The base
of 16 networks is 16 fits on one thread, one after the other.""",
        MULTIPLE,
        _many,
    ),
    "products": Section(
        "Matrix products",
        """A prediction of one dense layer on one thread in float32: rows × inputs × outputs. It includes the call from Python, some
2 µs, and memory for a new result, as PyTorch's `addmm` does. "Alone" is the product without either: the layer's function in a loop. The
peak is measured in the same turns.""",
        FRACTION,
        _products,
    ),
    "bfloat16": Section(
        "Training in bfloat16",
        f"""One training step with matrix products in bfloat16, and the same step in float32. TabM has {TABM_MEMBERS} members. The other
libraries train in float32.""",
        AGAINST_FLOAT32,
        _bfloat16,
    ),
    "int8": Section(
        "Predictions in int8",
        """One prediction on one thread by the network that `quantize` returns, and the same in float32. The other libraries predict in
float32.""",
        AGAINST_FLOAT32,
        _int8,
    ),
    "activations": Section(
        "Activations",
        f"""One training step of {ACTIVATIONS_CASE.net} at batch {ACTIVATIONS_CASE.batch} on one thread. The share is the part of the step
that it takes longer than with ReLU.""",
        SHARE,
        _activations,
    ),
}
