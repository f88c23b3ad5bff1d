"""The report of ``nncore train``: one HTML file about the data, the scores, the model and its use."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from nncore.arguments import listed
from nncore.cli.config_file import as_toml
from nncore.cli.html_parts import bars, code, escape, folded, page, paragraph, picture, section, table, tiles
from nncore.cli.outcome import Outcome
from nncore.cli.report import column_notes
from nncore.cli.scores import class_reports, score_name, score_value
from nncore.cli.search_outcome import SearchOutcome
from nncore.cli.terminal import percent, printable, seconds, significant
from nncore.tabular import STDIN, ClassTarget, Column, NumericColumn, TableColumn, TimeColumn

#: Largest number of classes with a table row each.
MOST_CLASSES = 40

#: Number of trials of a search to show.
MOST_TRIALS = 20

PYTHON = """\
from nncore.ensembles import load_table_model
from nncore.tabular import read_table

model, _ = load_table_model({model!r})
table, notices = model.encoder.match(read_table({data!r}))
print(model.predict(table)[:5])"""


def render(outcome: Outcome) -> str:
    """The whole page."""
    task = outcome.task
    title = f"{task.target} from {Path(task.table.source).name}"
    body = [f"<h1>{escape(title)}</h1>", f'<p class="soft">{escape(_subtitle(outcome))}</p>', _headline(outcome)]
    notes = [*outcome.advice(), *column_notes(task, outcome.final.encoder)]
    if notes:
        body.append(section("Worth knowing", f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>", style="notes"))
    if outcome.evaluations:
        body += [_scores(outcome), _errors(outcome), _importance(outcome)]
    if len((outcome.scored or [outcome.final])[0].history):  # empty if training ended in the first epoch
        body.append(_curves(outcome))
    body += [_columns(outcome), _network(outcome), _usage(outcome)]
    body.append(f"<footer>{escape(_origin())}</footer>")
    return page(title, body)


def _origin() -> str:
    import nncore

    return f"Made by nncore {nncore.__version__}, nncore train --report."


def _subtitle(outcome: Outcome) -> str:
    target = outcome.final.encoder.target
    if isinstance(target, ClassTarget):
        return f"Classification, {len(target.classes)} classes: {listed(list(target.classes), most=8)}"
    return "Regression"


def _headline(outcome: Outcome) -> str:
    values = []
    if outcome.evaluations:
        name = outcome.main_score
        scores = [e.scores.get(name, 0.0) for e in outcome.evaluations]
        spread = f" ± {score_value(name, float(np.std(scores)))}" if outcome.is_cross_validated else ""
        how = (
            f"{score_name(name)}, {len(scores)}-fold cross-validation"
            if outcome.is_cross_validated
            else f"{score_name(name)}, rows held out"
        )
        values.append((score_value(name, float(np.mean(scores))) + spread, how))
        shown = "accuracy" if name == "accuracy" else "rmse"
        always = score_value(shown, outcome.mean_baseline()[shown])
        if shown != name:
            values.append((score_value(shown, outcome.mean_scores()[shown]), score_name(shown)))
        values.append((always, f"{score_name(shown)} of a constant prediction"))
    rows = f"{outcome.task.table.n_rows:,}".replace(",", " ")
    values += [(rows, "rows"), (str(len(outcome.final.encoder.columns)), "columns learnt from"), (seconds(outcome.seconds), "in all")]
    return tiles(values)


def _scores(outcome: Outcome) -> str:
    means, baseline, beside = outcome.mean_scores(), outcome.mean_baseline(), outcome.mean_baselines()
    rows = []
    for name, value in means.items():
        spread = []
        if outcome.is_cross_validated:
            spread = [score_value(name, float(np.std([e.scores[name] for e in outcome.evaluations])))]
        others = [score_value(name, scores[name]) if name in scores else "" for scores in (baseline, *beside.values())]
        rows.append([score_name(name), score_value(name, value), *spread, *others])
    middle = ["std. deviation"] if outcome.is_cross_validated else []
    n_rows = sum(len(e.true) for e in outcome.evaluations)
    where = (
        f"Each of {n_rows} rows was predicted once, by a network that was not trained on it."
        if outcome.is_cross_validated
        else f"On {n_rows} held-out rows, which neither the network nor the encoding of the columns has seen."
    )
    naive = outcome.evaluations[0].naive
    always = f"always {naive!r}" if isinstance(outcome.final.encoder.target, ClassTarget) else f"always the mean, {naive}"
    columns = ["score", "this network", *middle, always, *map(outcome.name_of, beside)]
    return section("Score", paragraph(where), table(columns, rows, numbers=tuple(range(1, len(columns)))))


def _errors(outcome: Outcome) -> str:
    """The confusion matrix, or the errors of numbers."""
    from nncore.displays import ConfusionDisplay, ResidualsDisplay

    target = outcome.final.encoder.target
    true = np.concatenate([e.true for e in outcome.evaluations])
    predicted = np.concatenate([e.predicted for e in outcome.evaluations])
    if not isinstance(target, ClassTarget):
        figure = ResidualsDisplay.from_predictions(true, predicted, name=printable(target.name)).figure_
        return section("Errors", picture(figure, "predictions against true values, and the distribution of their differences"))
    parts = []
    if len(target.classes) <= MOST_CLASSES:
        matrix = ConfusionDisplay.from_predictions(true, predicted, names=list(map(printable, target.classes)))
        parts.append(picture(matrix.figure_, "how many rows of each class were predicted as which class"))
    reports = sorted(class_reports(true, predicted, target.classes), key=lambda report: -report.n_rows)[:MOST_CLASSES]
    rows = [[r.label, str(r.n_rows), percent(r.precision), percent(r.recall), f"{r.f1:.3f}"] for r in reports]
    parts.append(table(["class", "rows", "precision", "recall", "F1"], rows, numbers=(1, 2, 3, 4)))
    explanation = (
        "Precision: fraction of the rows predicted as a class that belong to it. Recall: fraction of the rows of a class predicted as it."
    )
    return section("Errors by class", *parts, f'<p class="soft">{explanation}</p>')


def _importance(outcome: Outcome) -> str:
    name = outcome.main_score
    unit, scale = (" %", 100) if name == "accuracy" else ("", 1)
    digits = 1 if name == "accuracy" else 3
    rows = [(i.column, i.mean, f"{scale * i.mean:.{digits}f} ± {scale * i.std:.{digits}f}{unit}") for i in outcome.importances]
    text = (
        f"Permutation importance: how much {score_name(name)} on the held-out rows falls when the values of one column are shuffled. "
        "Columns with the same information replace each other, so neither seems important."
    )
    if (n_columns := len(outcome.final.encoder.columns)) > len(outcome.importances):
        text += f" Shown are the {len(outcome.importances)} of {n_columns} columns most correlated with the predictions."
    return section("Importance of the columns", paragraph(text), bars(("column", f"loss of {score_name(name)}"), rows))


def _curves(outcome: Outcome) -> str:
    fitted = (outcome.scored or [outcome.final])[0]
    history = fitted.history
    where = f"In the first of {len(outcome.scored)} folds. " if outcome.is_cross_validated else ""
    which = f"The first of {len(fitted.histories)} networks: " if len(fitted.histories) > 1 else ""
    text = f"{where}{which}{len(history)} epochs, {history.stop_reason}. The network has the weights of epoch {fitted.best_epochs[0]}."
    return section("Learning curves", picture(history.plot().figure_, "loss against the epoch"), f'<p class="soft">{escape(text)}</p>')


def _columns(outcome: Outcome) -> str:
    task, encoder = outcome.task, outcome.final.encoder
    used = {column.name: column for column in encoder.columns}
    rows = []
    for name, kind in task.columns.items():
        values = task.table.column(name)
        missing = values.n_missing
        rows.append(
            [name, *_described(used.get(name), values, kind.reason), f"{missing} ({percent(missing / len(values))})" if missing else "0"]
        )
    counts = outcome.final.parts
    n = task.table.n_rows
    text = f"{task.table.source}: {n + task.n_unlabelled} rows"
    text += f", {task.n_unlabelled} without a value of {task.target!r} not used" if task.n_unlabelled else ""
    text += f"; {len(counts.training)} for training"
    text += f", {len(counts.validation)} for validation" if len(counts.validation) else ""
    text += f", {len(counts.test)} held out for the score." if len(counts.test) else "."
    return section("Columns", paragraph(text), table(["column", "used as", "values", "missing"], rows, numbers=(3,)))


def _described(column: TableColumn | None, values: Column, reason: str) -> tuple[str, str]:
    """The kind and the content of a column."""
    if column is None:
        return "left out", reason
    if isinstance(column, NumericColumn):
        present = values.present().numbers
        if not len(present):
            return "number", ""
        low, middle, high = (significant(float(value)) for value in np.quantile(present, [0, 0.5, 1]))
        return "number", f"{low} to {high}, median {middle}"
    if isinstance(column, TimeColumn):
        return "date", ", ".join(column.parts)
    counts = Counter(values.counts)
    commonest = [f"{label} ({percent(count / len(values))})" for label, count in counts.most_common(4)]
    return f"category, {len(counts)} values", listed(commonest, most=3) if len(counts) <= 4 else f"{', '.join(commonest[:3])}, …"


def _network(outcome: Outcome) -> str:
    final = outcome.final
    networks = final.model.networks
    text = f"Trained in {seconds(final.seconds)}, {final.n_epochs} epochs; {seconds(outcome.seconds)} in all."
    if len(networks) > 1:
        text += f" {len(networks)} networks, whose predictions are averaged; this is the first."
    return section(
        "Network",
        paragraph(f"{outcome.notes.in_words()}. {text}"),
        *_trials(outcome),
        code(networks[0].summary()),
        folded("Configuration (nncore train --config)", code(as_toml(outcome.asked))),
    )


def _trials(outcome: Outcome) -> list[str]:
    """The trials of the search, the best first."""
    search = outcome.final.search
    if search is None:
        return []
    rows = [
        [
            str(one.number),
            one.parameters or "as given",
            "" if one.score is None else significant(one.score),
            str(one.n_epochs),
            one.status,
            str(one.weight or ""),
        ]
        for one in search.trials[:MOST_TRIALS]
    ]
    text = f"{len(search.trials)} trials of the space {search.space}, the best first by {search.monitor}, the mean over the folds."
    if len(search.trials) > MOST_TRIALS:
        text += f" The first {MOST_TRIALS} are shown."
    names = ["trial", "drawn", search.monitor, "epochs", "became", "counts"]
    return [paragraph(text), _picture_of(search), table(names, rows, numbers=(0, 2, 3, 5))]


def _picture_of(search: SearchOutcome) -> str:
    from nncore.displays import TuningDisplay

    in_turn = [
        asdict(one) | {"score": math.nan if one.score is None else one.score} for one in sorted(search.trials, key=lambda t: t.number)
    ]
    better = "more" if search.higher_is_better else "less"
    name = f"{search.monitor} ({better} is better)"
    display = TuningDisplay(trials=in_turn, score_name=name, higher_is_better=search.higher_is_better).plot()
    return picture(display.figure_, "the score of each trial, and the best so far")


def _usage(outcome: Outcome) -> str:
    model, data = outcome.settings.out, outcome.settings.data
    if model is None:
        return section("How to use it", paragraph("The network was not saved: add --out MODEL.nncore to the command."))
    return section(
        "How to use it",
        paragraph("At the command line, for a file with the same columns:"),
        code(f"nncore predict {shlex.quote(str(model))} NEW.csv --out answers.csv"),
        paragraph("In Python:"),
        code(PYTHON.format(model=str(model), data="NEW.csv" if str(data) == STDIN else str(data))),
    )
