"""Runs of one learner on one division of one table, each in a process of its own, and the file that keeps what came out."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import multiprocessing
import resource
import sys
import traceback
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from nncore.bench.machine import describe
from tabular_bench import scores
from tabular_bench.bag import spread
from tabular_bench.methods import METHODS, Method
from tabular_bench.tables import Data, load

N_SPLITS = 3
TEST_FRACTION = 0.2

#: A child is a copy of a process that has imported the learner, and nothing else has happened there.
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Run:
    """What came out of one run.

    Attributes
    ----------
    table, method : str
        Keys of ``TABLES`` and ``METHODS``.
    split : int
    fit, predict : float
        Seconds of user and system time, of all threads.
    scores : dict
        Of `scores`; empty if the run failed or took too long.
    problem : str
        Why there are no scores.
    version : str
        Of the library.
    cpu, date : str
    """

    table: str
    split: int
    method: str
    fit: float
    predict: float
    scores: dict[str, float]
    problem: str
    version: str
    cpu: str
    date: str

    @property
    def key(self) -> tuple[str, int, str]:
        return self.table, self.split, self.method


def read(file: Path) -> list[Run]:
    """Runs that the file keeps, the latest of each on each CPU; none if there is no file."""
    if not file.exists():
        return []
    runs = (Run(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines())
    return list({(run.key, run.cpu): run for run in runs}.values())


def write(file: Path, run: Run) -> None:
    """Add a run."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(run)) + "\n")


def complete(file: Path, names: Iterable[str], methods: Iterable[str], n_splits: int, folder: Path | None, limit: float) -> None:
    """Run what the file does not have yet, one process at a time, small tables first.

    Parameters
    ----------
    file : Path
        JSON lines, a run each.
    names, methods : iterable of str
        Tables, and learners: all on a table before the next table.
    n_splits : int
    folder : Path or None
        Of the tables that are in no package.
    limit : float
        Seconds of wall clock that a run may take.
    """
    have = {run.key for run in read(file)}
    usable = []
    for method in methods:
        if problem := METHODS[method].missing():
            print(f"{method} is left out: {problem}", file=sys.stderr)
        else:
            usable.append(method)
    tables = sorted((load(name, folder) for name in names), key=lambda data: (len(data.X), data.name))
    for data in tables:
        for method in usable:
            if len(data.X) > METHODS[method].most_rows:
                continue
            for split in range(n_splits):
                if (data.name, split, method) not in have:
                    run = alone(data, split, method, limit)
                    write(file, run)
                    what = run.problem or " ".join(f"{name} {value:.4f}" for name, value in run.scores.items())
                    print(f"{run.table} {run.split} {run.method}: {run.fit:.2f} s, {what}", flush=True)


def alone(data: Data, split: int, method: str, limit: float) -> Run:
    """A run in a child of this process, which ends with it."""
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_send, args=(theirs, data, split, method), daemon=True)
    child.start()
    theirs.close()
    try:
        fit, predict, came, problem = ours.recv() if ours.poll(limit) else (0.0, 0.0, {}, f"took more than {limit:g} s")
    except EOFError:
        fit, predict, came, problem = 0.0, 0.0, {}, "the process died"
    child.kill()
    child.join()
    machine = describe()
    library = METHODS[method].module.partition(".")[0]
    return Run(data.name, split, method, fit, predict, came, problem, _version(library), machine["CPU"], machine["date"])


def _send(connection: Connection, data: Data, split: int, method: str) -> None:
    try:
        outcome = (*measure(data, split, METHODS[method]), "")
    except Exception as error:  # whatever a library raises is a result of its own
        traceback.print_exc()
        outcome = (0.0, 0.0, {}, f"{type(error).__name__}: {error}".splitlines()[0])
    connection.send(outcome)


def measure(data: Data, split: int, method: Method) -> tuple[float, float, dict[str, float]]:
    """Processor seconds of `fit` and of prediction, and the scores, after a warm-up on a tiny table."""
    warnings.simplefilter("ignore")
    _one_thread()
    is_numbers = data.kind == "regression"
    tiny = _tiny(data.kind)
    _answer(method.build(tiny.kind, tiny.X, 0, quick=True).fit(tiny.X, tiny.y), tiny.X, is_numbers)
    train, test = rows(data, split)
    X, y, X_test, y_test = data.X.iloc[train].reset_index(drop=True), data.y[train], data.X.iloc[test].reset_index(drop=True), data.y[test]
    model = method.build(data.kind, X, split)
    began = _processor()
    model.fit(X, y)
    fitted = _processor()
    answer = _answer(model, X_test, is_numbers)
    done = _processor()
    if is_numbers:
        came = scores.of_numbers(y_test, np.ravel(answer))
    else:
        came = scores.of_probabilities(y_test, spread(answer, np.asarray(model.classes_), np.unique(data.y)))
    return fitted - began, done - fitted, came


def rows(data: Data, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows of a split, the same for all learners; stratified by class."""
    strata = None if data.kind == "regression" else data.y
    return tuple(train_test_split(np.arange(len(data.y)), test_size=TEST_FRACTION, random_state=split, stratify=strata))


def _answer(model: Any, X: pd.DataFrame, is_numbers: bool) -> np.ndarray:
    return np.asarray(model.predict(X) if is_numbers else model.predict_proba(X))


def _tiny(kind: str) -> Data:
    rng = np.random.default_rng(0)
    n = 90
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": pd.Categorical(rng.choice(list("pqr"), n))})
    y = rng.normal(size=n) if kind == "regression" else np.arange(n) % (2 if kind == "binary" else 3)
    return Data("tiny", kind, X, y)  # type: ignore[arg-type]


def _one_thread() -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _version(package: str) -> str:
    names = importlib.metadata.packages_distributions().get(package, [package])
    return f"{names[0]} {importlib.metadata.version(names[0])}"
