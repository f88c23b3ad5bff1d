"""Comparisons of learners over tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata, studentized_range

from tabular_bench import scores
from tabular_bench.runs import Run

#: A comparison of fewer tables says nothing.
FEWEST_TABLES = 5

#: What a score counts at least in a mean difference: an R² of -1000 says no more than one of -1, that nothing was learned.
WORST_SCORE = -1.0


@dataclass(frozen=True)
class Block:
    """Tables that all of some learners have run on, on the same splits.

    Attributes
    ----------
    methods, tables : list of str
    splits : list of int
        How many of each table.
    values : dict of str to DataFrame
        By name of a score, and ``fit`` and ``predict``: the mean over splits, tables × methods. ``score`` is the accuracy or R²; ``loss``
        the log loss or RMSE.
    """

    methods: list[str]
    tables: list[str]
    splits: list[int]
    values: dict[str, pd.DataFrame]

    def ranks(self, what: str) -> pd.Series:
        """Mean rank of each learner, 1 for the best of all; ties share theirs."""
        values = self.values[what].to_numpy() * (1 if what == "loss" else -1)
        return pd.Series(rankdata(values, axis=1).mean(axis=0), self.methods)

    def normalised(self) -> pd.Series:
        """Mean over tables of the score, 1 the table's best and 0 its tenth percentile or below."""
        values = self.values["score"]
        low, high = values.quantile(0.1, axis=1), values.max(axis=1)
        return values.sub(low, axis=0).div((high - low).where(high > low, 1), axis=0).clip(lower=0).mean()

    def critical_difference(self) -> float:
        """Mean ranks that differ by less are not told apart: Nemenyi's test at 5 % (Demšar 2006)."""
        k, n = len(self.methods), len(self.tables)
        return float(studentized_range.ppf(0.95, k, np.inf)) / 2**0.5 * (k * (k + 1) / (6 * n)) ** 0.5

    def seconds(self, what: str) -> pd.Series:
        """Geometric mean of processor seconds."""
        return np.exp(np.log(self.values[what].clip(lower=1e-4)).mean())


def frame(runs: Collection[Run]) -> pd.DataFrame:
    """Runs that have scores, a row each; ``score`` and ``loss`` are those of the kind of task, and seconds those of one CPU (`speeds`).

    Of a run that was done on several CPUs, that on the one with the most runs counts.
    """
    rows, factors = [], speeds(runs)
    done = {run.key: run for cpu in reversed(factors) for run in runs if run.cpu == cpu and run.scores}
    for run in done.values():
        score, loss = scores.CLASSES if scores.CLASSES[0] in run.scores else scores.NUMBERS
        row: dict[str, object] = {"table": run.table, "split": run.split, "method": run.method}
        row |= {"fit": run.fit * factors[run.cpu], "predict": run.predict * factors[run.cpu]}
        rows.append(row | {"score": run.scores[score], "loss": run.scores[loss]} | run.scores)
    return pd.DataFrame(rows)


def speeds(runs: Collection[Run]) -> dict[str, float]:
    """What seconds on each CPU are multiplied by to be those of the one with the most runs, which comes first.

    The geometric mean over the fits that both have done.
    """
    by_cpu: dict[str, dict[tuple[str, int, str], float]] = {}
    for run in runs:
        if run.scores:
            by_cpu.setdefault(run.cpu, {})[run.key] = run.fit
    order = sorted(by_cpu, key=lambda cpu: -len(by_cpu[cpu]))
    factors = {}
    for cpu in order:
        ratios = [by_cpu[order[0]][key] / fit for key, fit in by_cpu[cpu].items() if key in by_cpu[order[0]]]
        if not ratios:
            raise ValueError(f"{cpu} has done no fit that {order[0]} has: nothing tells how fast it is beside it")
        factors[cpu] = float(np.exp(np.log(ratios).mean()))
    return factors


def blocks(data: pd.DataFrame, methods: Sequence[str]) -> list[Block]:
    """From the most tables to the most learners: those that ran on at least so many tables, on the tables that they share."""
    counts = data.groupby("method")["table"].nunique()
    found: list[Block] = []
    for least in sorted(set(counts), reverse=True):
        some = [method for method in methods if counts.get(method, 0) >= least]
        block = shared(data, some)
        if len(some) > 1 and len(block.tables) >= FEWEST_TABLES:
            if found and found[-1].tables == block.tables:
                found.pop()  # more learners on the same tables
            found.append(block)
    return found


def shared(data: pd.DataFrame, methods: Sequence[str]) -> Block:
    """The block of these learners."""
    some = data[data["method"].isin(methods)]
    runs = some.groupby(["table", "split"])["method"].nunique()
    common = runs[runs == len(methods)].index
    some = some.set_index(["table", "split"]).loc[lambda rows: rows.index.isin(common)].reset_index()
    means = some.drop(columns="split").groupby(["table", "method"]).mean()
    values = {what: means[what].unstack().reindex(columns=list(methods)) for what in means.columns}
    splits = some.groupby("table")["split"].nunique()
    return Block(list(methods), list(splits.index), list(splits), values)


def paired(data: pd.DataFrame, method: str, other: str) -> tuple[int, float, float, float, float]:
    """Number of tables that both have, mean of score − other's score, its standard error over tables, ratio of fit's processor time, wins.

    The difference is taken split by split and averaged over the splits of a table first.
    """
    both = data[data["method"].isin([method, other])].set_index(["table", "split", "method"])[["score", "fit"]].unstack().dropna()
    both["score"] = both["score"].clip(lower=WORST_SCORE)
    differences = (both["score"][method] - both["score"][other]).groupby("table").mean()
    ratios = np.log(both["fit"][method] / both["fit"][other]).groupby("table").mean()
    n = len(differences)
    error = float(differences.std(ddof=1)) / n**0.5 if n > 1 else float("nan")
    return (
        n,
        float(differences.mean()),
        error,
        float(np.exp(ratios.mean())),
        float((differences > 0).mean() + (differences == 0).mean() / 2),
    )
