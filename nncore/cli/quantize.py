"""``nncore quantize``: quantize a saved model to int8."""

from __future__ import annotations

import argparse
from pathlib import Path

from nncore.cli.output import check_output
from nncore.cli.predict import Answers, writing_like
from nncore.cli.row_columns import RowColumns
from nncore.cli.settings import add_option
from nncore.cli.terminal import notice
from nncore.tabular import read_table


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "quantize",
        help="make a saved model smaller and faster with 8-bit arithmetic",
        description="Make a copy of a saved model that predicts with 8-bit arithmetic: a quarter of the size, and faster where layers "
        "are wide. The rows of DATA calibrate the range of the inputs of each layer; a few hundred are enough. If they have the target, "
        "both models are scored on them. Use the copy like any other model: nncore predict, nncore export.",
        epilog="example: nncore quantize penguins.nncore penguins.csv --out small.nncore",
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="file written by nncore train --out")
    parser.add_argument("data", type=Path, metavar="DATA", help="CSV, Parquet or Feather file with rows like those to predict")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write the quantized model to")
    for name in ("separator", "decimal"):
        add_option(parser, name)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check_output(arguments.out, arguments.model, arguments.data, may_be_stream=False)
    from nncore.ensembles import load_table_model

    model, notes = load_table_model(arguments.model)
    rows = read_table(arguments.data, writing_like(arguments, model.encoder))
    table, _ = model.encoder.match(rows)
    small = model.quantized(table)
    small.save(arguments.out, notes)
    for what, one in (("before", model), ("in 8 bits", small)):
        answers = Answers(one, RowColumns.from_json(notes), [], with_probabilities=False)
        list(answers.to(rows))
        if answers.comparison:
            notice(f"{what}: {answers.comparison}")
    sizes = [path.stat().st_size / 1e3 for path in (arguments.model, arguments.out)]
    notice(f"written to {arguments.out}: {sizes[1]:,.0f} kB instead of {sizes[0]:,.0f}")
    return 0
