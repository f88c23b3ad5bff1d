"""Cross-validated score and fit time of nncore's multi-layer perceptron beside scikit-learn's and HistGradientBoosting.

    python tools/compare_on_data.py /path/to/data --out docs/benchmarks/tabular.md

The folder has `adult`, `california_housing`, `diamonds`, `bike_sharing`, `penguins`, `titanic` and `wine_quality` with the files that
`DATASETS` names. Everything runs on one thread in one process, the models in turns on each fold.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read once, when the libraries are loaded
    os.environ[variable] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sklearn  # noqa: E402
from sklearn.compose import make_column_selector, make_column_transformer  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.metrics import accuracy_score, d2_tweedie_score, log_loss, r2_score  # noqa: E402
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

from nncore import errors, estimators  # noqa: E402
from nncore.bench.machine import describe  # noqa: E402

#: The same for both perceptrons.
NETWORK = {"hidden_layer_sizes": (64, 64), "learning_rate_init": 1e-3, "batch_size": 64, "alpha": 1e-4}
STOPPING = {"early_stopping": True, "validation_fraction": 0.1, "n_iter_no_change": 10, "tol": 1e-4}

SKLEARN, OURS, NATIVE, TREES = "scikit-learn MLP", "nncore MLP", "nncore MLP, frame in", "HistGradientBoosting"
MODELS = (SKLEARN, OURS, NATIVE, TREES)

#: One division into folds says little: there are as many as add up to this many rows, and three to five.
ROWS_IN_ALL, LEAST_REPEATS, MOST_REPEATS = 50_000, 3, 5

ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss hours country "
    "income"
)
WINE = "fixed_acidity volatile_acidity citric_acid sugar chlorides free_so2 total_so2 density ph sulphates alcohol quality"


@dataclass(frozen=True)
class Task:
    """One table with what to predict; text and category columns have pandas' type "category"."""

    name: str
    X: pd.DataFrame
    y: np.ndarray
    kind: str  # "classes", "reals" or "counts"

    @property
    def score_name(self) -> str:
        return {"classes": "accuracy", "reals": "R²", "counts": "D² (Poisson)"}[self.kind]

    @property
    def repeats(self) -> int:
        return min(MOST_REPEATS, max(LEAST_REPEATS, ROWS_IN_ALL // len(self.X)))

    def folds(self, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        splitter = RepeatedStratifiedKFold if self.kind == "classes" else RepeatedKFold
        yield from splitter(n_splits=n, n_repeats=self.repeats, random_state=0).split(self.X, self.y)


def adult(folder: Path) -> Task:
    parts = [
        pd.read_csv(folder / f"adult-{part}.csv", names=ADULT.split(), na_values="?", skipinitialspace=True) for part in ("train", "test")
    ]
    data = pd.concat(parts, ignore_index=True)
    return _task("Adult", data, data["income"].str.startswith(">").to_numpy().astype(int), drop=["income"])


def california_housing(folder: Path) -> Task:
    data = pd.read_csv(folder / "housing.csv")
    return _task("California housing", data, data["median_house_value"].to_numpy(float), "reals", drop=["median_house_value"])


def diamonds(folder: Path) -> Task:
    data = pd.read_csv(folder / "diamonds.csv")
    return _task("Diamonds", data, data["price"].to_numpy(float), "reals", drop=["price"])


def bike_sharing(folder: Path) -> Task:
    data = pd.read_csv(folder / "bike.csv")
    data = data.astype(dict.fromkeys(("season", "mnth", "hr", "weekday", "weathersit"), "category"))
    return _task("Bike sharing", data, data["cnt"].to_numpy(float), "counts", drop=["cnt", "instant", "dteday"])


def penguins(folder: Path) -> Task:
    data = pd.read_csv(folder / "penguins.csv")
    return _task("Penguins", data, pd.factorize(data["species"], sort=True)[0], drop=["species"])


def titanic(folder: Path) -> Task:
    data = pd.read_csv(folder / "seaborn_titanic.csv")
    # The last three repeat other columns, the first repeats the answer.
    return _task("Titanic", data, data["survived"].to_numpy(), drop=["survived", "alive", "class", "embark_town"])


def wine_quality(folder: Path) -> Task:
    parts = [pd.read_csv(folder / f"winequality-{colour}.csv", names=WINE.split()).assign(colour=colour) for colour in ("red", "white")]
    data = pd.concat(parts, ignore_index=True)
    return _task("Wine quality", data, data["quality"].to_numpy(float), "reals", drop=["quality"])


DATASETS: dict[str, Callable[[Path], Task]] = {
    read.__name__: read for read in (adult, california_housing, diamonds, bike_sharing, penguins, titanic, wine_quality)
}


def _task(name: str, data: pd.DataFrame, y: np.ndarray, kind: str = "classes", *, drop: list[str]) -> Task:
    X = data.drop(columns=drop)
    text = X.select_dtypes(["object", "string"]).columns
    return Task(name, X.astype(dict.fromkeys(text, "category")).astype(dict.fromkeys(X.select_dtypes("bool").columns, "int64")), y, kind)


@dataclass
class Outcome:
    """What one model did on the folds, one number each."""

    scores: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # log loss, of classes only
    seconds: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)


def preprocessing() -> Any:
    """What both perceptrons get: standardised numbers with indicators of missing ones, categories one-hot, "missing" among them."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    of_category = make_column_selector(dtype_include="category")
    return make_column_transformer((numbers, make_column_selector(dtype_exclude="category")), (categories, of_category))


def make_model(name: str, task: Task, max_iter: int, seed: int) -> Any:
    """A model with the loss that suits the task."""
    is_counts, is_classes = task.kind == "counts", task.kind == "classes"
    if name == TREES:
        if is_classes:
            return HistGradientBoostingClassifier(random_state=seed)
        return HistGradientBoostingRegressor(loss="poisson" if is_counts else "squared_error", random_state=seed)
    arguments = NETWORK | STOPPING | {"max_iter": max_iter, "random_state": seed} | ({"loss": "poisson"} if is_counts else {})
    if name == SKLEARN:
        return (MLPClassifier if is_classes else MLPRegressor)(**arguments)
    kind = estimators.MLPClassifier if is_classes else estimators.MLPRegressor
    return kind(**arguments, n_threads=1, **({"standardize": True, "dtype": "float32"} if name == NATIVE else {}))


def run(task: Task, n_folds: int, max_iter: int) -> dict[str, Outcome]:
    """All models on all folds, in turns."""
    outcomes = {name: Outcome() for name in MODELS}
    for fold, (train, test) in enumerate(task.folds(n_folds)):
        prepare = preprocessing().fit(task.X.iloc[train])
        matrices = [np.ascontiguousarray(prepare.transform(task.X.iloc[rows]), np.float32) for rows in (train, test)]
        frames = [task.X.iloc[rows] for rows in (train, test)]
        y_train, y_test = task.y[train], task.y[test]
        # Real targets are standardised for all; counts are not, since Poisson's loss takes them as they are.
        shift, scale = (y_train.mean(), y_train.std()) if task.kind == "reals" else (0, 1)
        models = MODELS if fold < n_folds else MODELS[:-1]  # the trees are no party to the comparison, and slow on few rows
        turn = fold % len(models)
        for name in (*models[turn:], *models[:turn]):
            X_train, X_test = frames if name in (NATIVE, TREES) else matrices
            model, outcome = make_model(name, task, max_iter, seed=fold), outcomes[name]
            began = time.process_time()
            model.fit(X_train, y_train if task.kind == "classes" else (y_train - shift) / scale)
            outcome.seconds.append(time.process_time() - began)
            outcome.epochs.append(model.n_iter_)
            answer = model.predict(X_test)
            if task.kind == "classes":
                outcome.scores.append(accuracy_score(y_test, answer))
                outcome.losses.append(log_loss(y_test, model.predict_proba(X_test)))
            elif task.kind == "counts":
                outcome.scores.append(d2_tweedie_score(y_test, answer, power=1))
            else:
                outcome.scores.append(r2_score(y_test, answer * scale + shift))
    return outcomes


def table(task: Task, outcomes: dict[str, Outcome]) -> str:
    """A dataset's section of the page."""
    n, p = task.X.shape
    lines = [
        f"### {task.name}",
        "",
        f"{n:,} rows, {p} columns; {task.repeats} divisions into folds, the trees one.",
    ]
    has_losses = task.kind == "classes"
    lines += ["", f"| model | {task.score_name} |{' log loss |' if has_losses else ''} seconds a fit | epochs or trees |"]
    lines += ["| --- | ---: |" + (" ---: |" if has_losses else "") + " ---: | ---: |"]
    for name, outcome in outcomes.items():
        loss = f" {_spread(outcome.losses)} |" if has_losses else ""
        lines.append(f"| {name} | {_spread(outcome.scores)} |{loss} {np.mean(outcome.seconds):.3g} | {np.mean(outcome.epochs):.0f} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def _difference(ours: Outcome, theirs: Outcome) -> str:
    values = np.array(ours.scores) - theirs.scores
    return f"{values.mean():+.4f} ± {values.std(ddof=1) / len(values) ** 0.5:.4f}"


def summary(results: dict[str, tuple[Task, dict[str, Outcome]]]) -> str:
    """What the comparison of the two perceptrons comes to, a row for each dataset."""
    lines = [
        "| dataset | score | nncore − scikit-learn | nncore, frame in − scikit-learn | as fast, a fit | as fast, an epoch |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for task, outcomes in results.values():
        theirs, ours = outcomes[SKLEARN], outcomes[OURS]
        a_fit = np.sum(theirs.seconds) / np.sum(ours.seconds)
        an_epoch = a_fit * np.sum(ours.epochs) / np.sum(theirs.epochs)
        differences = [_difference(outcomes[name], theirs) for name in (OURS, NATIVE)]
        lines.append(f"| {task.name} | {task.score_name} | {differences[0]} | {differences[1]} | {a_fit:.1f}× | {an_epoch:.1f}× |")
    return "\n".join(lines)


TEXT = """Mean and standard deviation over {folds} folds, of several divisions; the same folds, one thread and one
process for all, the models in turns. Seconds are processor time, so that whatever else runs on the machine counts little.

- *scikit-learn MLP* and *nncore MLP*: the same matrix (numbers standardised, missing ones the median with an indicator, categories
  one-hot; float32), the same architecture 64-64, ReLU, Adam (learning rate {rate}, batches of {batch}, alpha {alpha}), early stopping
  on a tenth of the training rows (patience {patience}, tolerance {tol:g}), at most {max_iter} epochs. Making the matrix is not timed.
- *nncore MLP, frame in*: the same network given the pandas frame, with `standardize=True`; missing values and categories are its own
  affair (`categorical_features="from_dtype"`), and what that takes is timed.
- *HistGradientBoosting*: scikit-learn's with its defaults, given the same frame.

Real targets are standardised for all models. Bike sharing is trained with Poisson's loss."""


def page(results: dict[str, tuple[Task, dict[str, Outcome]]], n_folds: int, max_iter: int) -> str:
    facts = describe() | {"scikit-learn": sklearn.__version__, "pandas": pd.__version__}
    arguments = {"rate": NETWORK["learning_rate_init"], "batch": NETWORK["batch_size"], "alpha": NETWORK["alpha"]}
    arguments |= {"patience": STOPPING["n_iter_no_change"], "tol": STOPPING["tol"]}
    return "\n\n".join(
        [
            "# Tables: score and fit time",
            "| machine | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in facts.items()),
            "## In short",
            "Differences of the score are paired over folds: mean ± standard error.",
            summary(results),
            "## How it was measured",
            TEXT.format(folds=n_folds, max_iter=max_iter, **arguments),
            f"```sh\npython tools/compare_on_data.py DATA {' '.join(sys.argv[2:])}\n```",
            "## Datasets",
            *(table(*result) for result in results.values()),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with a folder for each dataset")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--max-iter", type=int, default=60, help="epochs at most, for both perceptrons")
    parser.add_argument("--out", type=Path, help="write the page there")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", errors.ConvergenceWarning)
    results = {}
    for name in arguments.datasets:
        task = DATASETS[name](arguments.data / name)
        results[name] = task, run(task, arguments.folds, arguments.max_iter)
        print(table(*results[name]), end="\n\n", flush=True)
    print(summary(results))
    if arguments.out is not None:
        arguments.out.write_text(page(results, arguments.folds, arguments.max_iter) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
