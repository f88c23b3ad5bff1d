"""``nncore train``: train a network on a table, and score it on held-out rows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np

from nncore.cli.bagging import ensemble_text
from nncore.cli.baselines import baselines
from nncore.cli.config_file import as_toml, read_config
from nncore.cli.evaluation import Evaluation, check_metric, evaluate, importances
from nncore.cli.experiment import Fitted, batch_size
from nncore.cli.launcher import together
from nncore.cli.outcome import Outcome
from nncore.cli.output import check_output
from nncore.cli.report import describe_columns
from nncore.cli.row_columns import KEY as ROWS
from nncore.cli.scores import in_words
from nncore.cli.search import search_text
from nncore.cli.settings import Settings, add_options, given
from nncore.cli.streamed import StreamedTable
from nncore.cli.streaming import streaming_of
from nncore.cli.task import Task
from nncore.cli.terminal import json_text, labelled, notice, say, seconds
from nncore.cli.training_notes import KEY as TRAINING
from nncore.cli.training_table import TrainingTable, WholeTable
from nncore.configuration import require
from nncore.ensembles import n_outputs
from nncore.errors import ParameterError
from nncore.files import write
from nncore.program import check_bfloat16
from nncore.tabular import STDIN, TableEncoder

EPILOG = """\
examples:
  nncore train penguins.csv --target species --out penguins.nncore
  nncore train adult.parquet --target income --cv 5 --class-weight balanced --report adult.html
  nncore train bike.csv --target count --tune time --time-limit 300 --trials-file bike.trials.nncore --out bike.nncore
  nncore train --print-config > train.toml    # a file with all options, to edit
  nncore train --config train.toml --epochs 50

exit codes: 0 success, 2 an error in the command or the data, which the message explains, 130 interrupted by Ctrl-C (a network whose
training has begun is still scored and saved)"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on a CSV or Parquet file",
        description="Train a network on a CSV or Parquet file, and score it on held-out rows. The types of columns are detected.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_options(parser)
    files = parser.add_argument_group("configuration file")
    files.add_argument(
        "--config",
        type=Path,
        metavar="FILE.toml",
        help="file with options by their long names; options of the command line take precedence",
    )
    files.add_argument("--print-config", action="store_true", help="print all options with their values, and exit")
    files.add_argument("--save-config", type=Path, metavar="FILE.toml", help="write all options with their values to a file, then train")
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    config = {} if arguments.config is None else read_config(arguments.config)
    settings = Settings(**(config | given(arguments)))
    if arguments.print_config:
        say(as_toml(settings).rstrip("\n"))
        return 0
    _check_usage(settings, arguments.usage_error)
    with together(settings) as (own, is_first):
        if is_first:
            _check_files(own, arguments.save_config)
            if arguments.save_config is not None:
                write(arguments.save_config, as_toml(settings), may_be_stream=True)
        return train(own)


def train(settings: Settings) -> int:
    """Train, score and save; returns the exit code."""
    began = time.perf_counter()
    if settings.precision == "bfloat16":
        check_bfloat16()
    tell = _teller(settings)
    asked, streaming = settings, streaming_of(settings)
    table = WholeTable(settings) if streaming is None else StreamedTable(settings, streaming)
    check_metric(table.task, table.parts)
    if table.memory_text:
        tell("memory", table.memory_text)
    _describe(tell, table)
    if settings.cv is None:
        (parts,) = table.parts
        final = table.fit(parts, progress=not settings.quiet)
        scored = [final] if len(parts.test) else []
        evaluations = [evaluate(fitted, table.task) for fitted in scored]
    else:
        scored, evaluations = _fit_folds(tell, table)
        # A single network has no rows left for early stopping: it gets the best number of epochs of the parts. Ensembles have their own
        # folds.
        epochs = max(1, round(float(np.median([fitted.best_epoch for fitted in scored]))))
        final = table.fit(table.everything(), epochs=epochs, progress=not settings.quiet)
    return _finish(tell, asked, table.settings, table.task, final, scored, evaluations, began)


def _finish(
    tell: Callable[[str, str], None],
    asked: Settings,
    settings: Settings,
    task: Task,
    final: Fitted,
    scored: list[Fitted],
    evaluations: list[Evaluation],
    began: float,
) -> int:
    """Report and save after the training; returns the exit code."""
    if final.interrupted:
        stops = len(final.parts.validation) or settings.model != "mlp"
        which = "the best epoch so far" if stops and final.n_epochs else "the last finished step"
        kept = "the network is" if len(final.model.networks) == 1 else "each network is"
        notice(final.interruption or f"interrupted after {final.n_epochs} of {final.most_epochs} epochs; {kept} from {which}")
    beside, was_interrupted = ({}, True) if final.interrupted else _baselines(settings, task, scored)
    outcome = Outcome(
        asked,
        settings,
        task,
        final,
        scored,
        evaluations,
        importances(scored, task, settings.seed) if settings.report is not None and scored else [],
        beside,
        time.perf_counter() - began,
    )
    _conclude(tell, outcome)
    return 130 if was_interrupted else 0


def _baselines(settings: Settings, task: Task, scored: list[Fitted]) -> tuple[dict[str, list[dict[str, float]]], bool]:
    """Scores of the baselines if they are shown; and whether Ctrl-C interrupted them, which does not affect the network."""
    if not settings.baselines or not scored or (settings.quiet and not settings.json and settings.report is None):
        return {}, False
    try:
        return baselines(settings, task, scored), False
    except KeyboardInterrupt:
        notice("interrupted while baselines were trained; the network is complete")
        return {}, True


def _check_usage(settings: Settings, usage_error: Callable[[str], None]) -> None:
    missing = [name for name, value in (("DATA", settings.data), ("--target", settings.target)) if value is None]
    if missing:
        usage_error(f"the following arguments are required: {', '.join(missing)}")


def _check_files(settings: Settings, save_config: Path | None) -> None:
    """Check output files before the training."""
    assert settings.data is not None, "asked for before"
    inputs = () if str(settings.data) == STDIN else (settings.data,)
    options = (
        ("--out", settings.out),
        ("--report", settings.report),
        ("--trials-file", settings.trials_file),
        ("--save-config", save_config),
    )
    written = {option: path for option, path in options if path is not None}
    for option, path in written.items():
        check_output(path, *inputs, option=option, may_be_stream=option not in ("--out", "--trials-file"))
    for one, other in combinations(written, 2):
        if written[one] == written[other]:
            raise ParameterError(f"{one} and {other} are both {written[one]}; change one of them")
    if settings.report is not None:
        require("matplotlib", extra="plot", purpose="--report")


def _teller(settings: Settings) -> Callable[[str, str], None]:
    """The function that prints labelled text for the user: with ``--quiet`` only the score, with ``--quiet --json`` nothing."""

    def tell(label: str, text: str) -> None:
        if label == "score" or not settings.quiet:
            say(labelled(label, text), to_stderr=settings.json)

    return (lambda label, text: None) if settings.json and settings.quiet else tell


def _fit_folds(tell: Callable[[str, str], None], table: TrainingTable) -> tuple[list[Fitted], list[Evaluation]]:
    """Train a network for each part of the rows, and evaluate it on that part."""
    scored: list[Fitted] = []
    evaluations: list[Evaluation] = []
    for number, parts in enumerate(table.parts, start=1):
        fitted = table.fit(parts, progress=False)
        if fitted.interrupted:
            raise KeyboardInterrupt
        scored.append(fitted)
        evaluations.append(evaluate(fitted, table.task))
        name, score = next(iter(evaluations[-1].scores.items()))
        tell(
            f"fold {number}",
            f"{in_words({name: score})}, best epoch {fitted.best_epoch} of {fitted.n_epochs}, {seconds(fitted.seconds)}",
        )
    return scored, evaluations


def _describe(tell: Callable[[str, str], None], table: TrainingTable) -> None:
    """Describe the data and the model before the training."""
    settings, task, parts = table.settings, table.task, table.parts[0]
    overview = table.overview(parts)
    for label, text in describe_columns(task, overview.encoder):
        tell(label, text)
    aside = f", {len(parts.validation)} for validation" if len(parts.validation) else ""
    uses = "".join(f"; {text}" for text in task.row_columns.in_words())
    each = "" if settings.cv is None else f" in each of {settings.cv} folds"
    tell("rows", f"{overview.n_training} for training{aside}, {len(parts.test)} held out for the score{each}{uses}")
    if overview.shape is None:
        tell("network", _network_text(settings, task, overview.encoder, overview.n_training))
    else:
        tell("model", ensemble_text(settings, task, overview.shape))
        if settings.tune is not None:
            tell("tune", search_text(settings, task, overview.shape.recipe, len(parts.training) if table.memory_text else None))


def _network_text(settings: Settings, task: Task, encoder: TableEncoder, n_training: int) -> str:
    """Describe a single network."""
    own = settings.mlp
    shape = " → ".join(map(str, [encoder.n_inputs, *own.hidden, n_outputs(encoder.target, task.loss)]))
    hidden = [own.activation, settings.normalization, f"dropout {own.dropout:g}" if own.dropout else None]
    rate = None if settings.lr is None else f"learning rate {settings.lr:g}"
    steps = f"batches of {settings.batch_size or batch_size(n_training)}"
    moves = [text if path == "lr" else f"{path} {text}" for path, text in (settings.schedule or {}).items()]
    batches = [settings.sampler, *settings.transform, steps]
    how = [settings.loss, own.optimizer, rate, *moves, *(settings.group or ()), *batches, f"seed {settings.seed}"]
    described = ", ".join(filter(None, hidden)) if own.hidden else ""
    return ", ".join(filter(None, [shape, described])) + "; " + ", ".join(filter(None, how))


def _conclude(tell: Callable[[str, str], None], outcome: Outcome) -> None:
    """Print the score, the files, and how to use them."""
    settings, final = outcome.settings, outcome.final
    tell("score", outcome.score_text())
    if text := outcome.baselines_text():
        tell("baselines", text)
    if text := outcome.search_text():
        tell("tuned", text)
    tell("trained", outcome.training_text())
    for text in outcome.advice():
        tell("note", text)
    if settings.out is not None:
        final.model.save(settings.out, {ROWS: outcome.task.row_columns.to_json(), TRAINING: outcome.notes.to_json()})
        tell("saved", f"{settings.out} ({settings.out.stat().st_size / 1000:.0f} kB)")
    if settings.report is not None:
        from nncore.cli.html_report import render

        write(settings.report, render(outcome), may_be_stream=True)
        tell("report", str(settings.report))
    if settings.json:
        say(json_text(outcome.as_json(), indent=2, default=float))
    kept = "network" if settings.model == "mlp" else "ensemble"
    tell("next", f"add --out MODEL.nncore to keep the {kept}" if settings.out is None else f"nncore predict {settings.out} NEW.csv")
