"""The page, from the file of results and the tables themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nncore.bench.tables import Entry, markdown
from tabular_bench import division, pictures, texts
from tabular_bench.methods import METHODS, N_BAGS
from tabular_bench.ranks import Block, blocks, frame, paired, speeds
from tabular_bench.runs import N_SPLITS, TEST_FRACTION, Run, read
from tabular_bench.sources import SOURCES
from tabular_bench.tables import MOST_ROWS, TABLES, load

#: What others are measured against, one by one.
YARDSTICKS = ("pytabkit-td", "pytabkit-td-s", "pytabkit-tabm", "hgb")


def write(file: Path, folder: Path | None) -> Path:
    """Write the page and its pictures beside the file of results.

    Parameters
    ----------
    file : Path
    folder : Path or None
        Of the tables that are in no package.
    """
    text = "\n\n".join(_parts(file, folder)) + "\n"
    page = file.with_suffix(".md")
    page.write_text(text, encoding="utf-8")
    return page


def _parts(file: Path, folder: Path | None) -> Iterator[str]:
    reported = division.read()["report"]
    runs = [run for run in read(file) if run.table in reported]
    data = frame(runs)
    found = blocks(data, list(METHODS))
    yield "# Tabular benchmark: networks and gradient-boosted trees"
    yield texts.PURPOSE
    yield _machine(runs)
    yield "## In short"
    ends = found[:1] + found[1:][-1:]  # the most tables, and the most learners
    yield "\n".join(f"- {sentence}" for block in ends for sentence in _sentences(block)) or "Too few tables to compare learners."
    yield "## Rankings"
    yield texts.RANKINGS
    for number, block in enumerate(found):
        picture = file.with_name(f"{file.stem}-{number + 1}.png")
        pictures.draw(block, picture)
        yield f"### {_title(block)}"
        yield texts.BLOCK.format(tables=", ".join(block.tables), splits=_splits(block.splits), difference=block.critical_difference())
        yield _ranking(block)
        yield f"![Ranks, and score against processor time]({picture.name})"
    yield "## Differences"
    yield texts.PAIRED
    for yardstick in YARDSTICKS:
        if (table := _differences(data, yardstick)) is not None:
            yield f"### To {METHODS[yardstick].label}"
            yield table
    yield "## How it was measured"
    yield texts.METHOD.format(splits=N_SPLITS, train=1 - TEST_FRACTION, test=TEST_FRACTION, bags=N_BAGS, most=MOST_ROWS)
    yield texts.COMMANDS.format(file=f"docs/benchmarks/{file.name}", name=file.name)
    yield "## Every table"
    yield from _scores(data)
    if problems := [f"- {run.table}, split {run.split}, {METHODS[run.method].label}: {run.problem}" for run in runs if run.problem]:
        yield "## Runs without a score"
        yield "\n".join(problems)
    yield "## The tables"
    yield texts.DIVISION
    yield _catalogue(folder)


def _machine(runs: Sequence[Run]) -> str:
    facts = {
        "CPU": "; ".join(_cpus(runs)),
        "date": ", ".join(sorted({run.date for run in runs})),
        "versions": ", ".join(sorted({run.version for run in runs})),
        "runs": str(len(runs)),
    }
    return "| machine | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in facts.items())


def _cpus(runs: Sequence[Run]) -> Iterator[str]:
    """Each with its runs, and what its seconds are multiplied by."""
    for cpu, factor in speeds(runs).items():
        yield f"{cpu}: {sum(run.cpu == cpu for run in runs)} runs" + (f", seconds times {factor:.2f}" if factor != 1 else "")


def _title(block: Block) -> str:
    return f"{len(block.methods)} learners on {len(block.tables)} tables"


def _sentences(block: Block) -> Iterator[str]:
    """Who leads, and where each of nncore's stands."""
    ranks, seconds = block.ranks("score").sort_values(), block.seconds("fit")
    first = ranks.index[0]
    yield f"{_title(block)}: {METHODS[first].label} leads with a mean rank of {ranks[first]:.1f}."
    for place, method in enumerate(ranks.index, 1):
        if METHODS[method].is_ours:
            cost = f"{_time(seconds[method])} s"
            if "hgb" in seconds:
                cost += f", {seconds[method] / seconds['hgb']:.2g} times HistGradientBoosting's"
            yield f"{METHODS[method].label} is number {place} of {len(ranks)}: mean rank {ranks[method]:.1f}; a fit takes {cost}."


def _ranking(block: Block) -> str:
    by_score, by_loss, normalised = block.ranks("score"), block.ranks("loss"), block.normalised()
    fit, predict = block.seconds("fit"), block.seconds("predict")
    calibration = block.values["ECE"].mean() if "ECE" in block.values else None
    head = ["learner", "rank", "rank by loss", "normalised score", "ECE", "fit, s", "prediction, s"]
    rows = [[Entry(text) for text in head]]
    for method in by_score.sort_values().index:
        ece = "–" if calibration is None else f"{calibration[method]:.3f}"
        texts = [_label(method), f"{by_score[method]:.2f}", f"{by_loss[method]:.2f}", f"{normalised[method]:.2f}", ece]
        rows.append([Entry(text) for text in (*texts, _time(fit[method]), _time(predict[method]))])
    return markdown(rows)


def _differences(data: pd.DataFrame, yardstick: str) -> str | None:
    """Others beside one; None if it has not run."""
    if yardstick not in set(data["method"]):
        return None
    rows = [[Entry(text) for text in ("learner", "tables", "accuracy or R², difference", "wins", "time of fit, ratio")]]
    for method in METHODS:
        if method != yardstick and method in set(data["method"]):
            n, difference, error, ratio, wins = paired(data, method, yardstick)
            if n > 1:
                texts = (_label(method), str(n), f"{difference:+.4f} ± {error:.4f}", f"{wins:.0%}", f"{ratio:.2g}")
                rows.append([Entry(text) for text in texts])
    return markdown(rows)


def _scores(data: pd.DataFrame) -> Iterator[str]:
    """Mean of every learner on every table."""
    methods = [method for method in METHODS if method in set(data["method"])]
    for title, what, digits in (("Accuracy or R²", "score", 4), ("Log loss or RMSE", "loss", 4), ("Processor seconds of fit", "fit", 3)):
        means = data.pivot_table(index="table", columns="method", values=what, aggfunc="mean")
        rows = [[Entry(text) for text in ("table", *(METHODS[method].label for method in methods))]]
        for table, values in means.iterrows():
            texts = ("" if np.isnan(values[method]) else f"{values[method]:.{digits}g}" for method in methods)
            rows.append([Entry(str(table)), *(Entry(text) for text in texts)])
        yield f"### {title}"
        yield markdown(rows)


def _catalogue(folder: Path | None) -> str:
    to_tune = division.read()["tune"]
    head = ("table", "part", "task", "rows", "columns", "of them categories", "missing", "what is predicted", "source", "licence")
    rows = [[Entry(text) for text in head]]
    for name, table in TABLES.items():
        X = load(name, folder).X
        source = SOURCES[table.source]
        part, categories = "tune" if name in to_tune else "report", X.select_dtypes("category").shape[1]
        texts = [name, part, table.kind, f"{len(X):,}", str(X.shape[1]), str(categories), f"{X.isna().to_numpy().mean():.1%}", table.about]
        rows.append([Entry(text) for text in (*texts, source.distribution or "folder", table.licence or source.licence)])
    return markdown(rows)


def _splits(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low} to {high} splits" if low < high else f"{low} split{'s' * (low > 1)}"


def _label(method: str) -> str:
    label = METHODS[method].label
    return f"**{label}**" if METHODS[method].is_ours else label


def _time(seconds: float) -> str:
    return f"{seconds:.2g}" if seconds < 9.95 else f"{seconds:.0f}"
