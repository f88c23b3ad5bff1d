"""``nncore export``: export a saved model to a file that predicts without nncore."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nncore.arguments import listed
from nncore.cli.output import check_output
from nncore.cli.predict import load_with_columns
from nncore.cli.terminal import notice
from nncore.errors import ParameterError

if TYPE_CHECKING:
    from nncore.contract import ExportGraph


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "export",
        help="export a saved model to a file that predicts without nncore",
        description="Export a saved model to a file that predicts without nncore: a Python module that needs only NumPy (.py), a model for "
        "ONNX runtimes (.onnx; pip install 'nncore-ml[onnx]'), or a C99 header that needs no library (.h). Plugins may add formats. The "
        "file takes columns by name and returns classes, probabilities or numbers.",
        epilog="examples: nncore export penguins.nncore --to penguins.onnx;  nncore export penguins.nncore --to penguins.py",
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="file written by nncore train --out, or by save in Python")
    parser.add_argument("--to", type=Path, required=True, metavar="PATH", help="file to write; its suffix is the format: .py, .onnx, .h")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    check_output(arguments.to, arguments.model, option="--to", may_be_stream=False)
    from nncore.network import write_graph

    graph = _graph(arguments.model)
    write_graph(graph, arguments.to)
    inputs = listed([repr(node.name) for node in graph.inputs], most=8)
    outputs = " and ".join(output.name for output in graph.outputs)
    notice(f"written to {arguments.to}: it takes {inputs} and returns {outputs}")
    return 0


def _graph(path: Path) -> ExportGraph:
    """The graph of a file: a model of `nncore train`, an estimator or a network."""
    from nncore.ensembles import ESTIMATOR_KEY, graph_of_table_model
    from nncore.network import file_info, graph_of_network, load

    info = file_info(path)
    first = info.networks[0]
    if first.target is not None:
        model, row_columns = load_with_columns(path)
        if row_columns.exposure is not None:
            notice(f"predictions are for one unit of {row_columns.exposure!r}")
        return graph_of_table_model(model)
    if ESTIMATOR_KEY in first.metadata:
        from nncore.estimators import load_saved

        graph: ExportGraph = load_saved(path)._export_graph()
        return graph
    if len(info.networks) > 1 or first.name is not None:
        raise ParameterError(
            f"{path} holds {len(info.networks)} networks, but export takes one: in Python, nncore.load_many({str(path)!r})[0].export(...)"
        )
    return graph_of_network(load(path))
