"""``nncore quantize``: quantize a saved model to int8."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nncore.cli.calibration import read_samples
from nncore.cli.output import check_output
from nncore.cli.predict import Answers, writing_like
from nncore.cli.row_columns import RowColumns
from nncore.cli.settings import add_option, decimal_comma
from nncore.cli.terminal import notice
from nncore.errors import ParameterError
from nncore.tabular import Writing, read_table


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "quantize",
        help="make a saved model smaller and faster with 8-bit arithmetic",
        description="Make a copy of a saved model that predicts with 8-bit arithmetic: a quarter of the size, and faster where layers "
        "are wide. The rows of DATA calibrate the range of the inputs of each layer; a few hundred are enough. If MODEL was written by "
        "nncore train and DATA has the target, both models are scored on it. Use the copy like any other model: nncore predict, nncore "
        "export.",
        epilog="examples: nncore quantize penguins.nncore penguins.csv --out small.nncore;  nncore quantize net.nncore X.npy --out "
        "small.nncore",
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="file written by nncore train --out, or by net.save in Python")
    parser.add_argument(
        "data", type=Path, metavar="DATA",
        help="CSV, Parquet or Feather file with rows like those to predict; for a network saved in Python, its inputs: a table of numbers, "
        "or a .npy or .npz file with one array",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write the quantized model to")
    parser.add_argument(
        "--all-layers", action="store_true", help="quantize layers of fewer than 32 inputs or outputs too, which saves memory, not time"
    )
    for name in ("separator", "decimal"):
        add_option(parser, name)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check_output(arguments.out, arguments.model, arguments.data, may_be_stream=False)
    from nncore.ensembles import ESTIMATOR_KEY
    from nncore.network import file_info

    info, path = file_info(arguments.model), arguments.model
    first, skip = info.networks[0], () if arguments.all_layers else None
    if first.target is not None:
        _quantize_table_model(arguments, skip)
    elif ESTIMATOR_KEY in first.metadata:
        raise ParameterError(
            f"{path} holds an estimator, whose samples this command cannot read; in Python, load it by its class, "
            f"and call estimator.quantize(X).save({str(arguments.out)!r})"
        )
    elif len(info.networks) > 1 or first.name is not None:
        raise ParameterError(
            f"{path} holds {len(info.networks)} networks, but quantize takes one: in Python, quantize each network of "
            f"nncore.load_many({str(path)!r}), and save them by nncore.save_many"
        )
    else:
        _quantize_network(arguments, skip)
    sizes = [path.stat().st_size / 1e3 for path in (arguments.model, arguments.out)]
    notice(f"written to {arguments.out}: {sizes[1]:,.0f} kB instead of {sizes[0]:,.0f}")
    return 0


def _quantize_table_model(arguments: argparse.Namespace, skip: Any) -> None:
    from nncore.ensembles import load_table_model

    model, notes = load_table_model(arguments.model)
    rows = read_table(arguments.data, writing_like(arguments, model.encoder))
    table, _ = model.encoder.match(rows)
    small = model.quantized(table, skip)
    small.save(arguments.out, notes)
    for what, one in (("before", model), ("in 8 bits", small)):
        answers = Answers(one, RowColumns.from_json(notes), [], with_probabilities=False)
        list(answers.to(rows))
        if answers.comparison:
            notice(f"{what}: {answers.comparison}")


def _quantize_network(arguments: argparse.Namespace, skip: Any) -> None:
    from nncore.network import load

    network = load(arguments.model)
    writing = Writing(separator=arguments.separator, decimal_comma=decimal_comma(arguments.decimal))
    samples = read_samples(arguments.data, writing, network.input_shape)
    network.quantize(samples, skip=skip).save(arguments.out)
