"""Export networks to files that predict without nncore."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nncore import registry
from nncore.contract import Exporter, ExportGraph, Value
from nncore.errors import MissingExtraError, ParameterError, PluginError, PluginWarning, warn_user
from nncore.files import FileLike, FilePlace
from nncore.network.network import Network
from nncore.network.turns import at_rest
from nncore.program import ModelWriter, formula_of_activation, formula_of_network, plan_network


def exporter_for(path: Path) -> Exporter:
    """The exporter that claims the suffix of `path`; built-in ones are asked first.

    Raises
    ------
    ParameterError
        If none does.
    """
    suffix, failures, known = path.suffix.lower(), [], []
    names = sorted(registry.names("exporters"), key=lambda name: not registry.component("exporters", name).plugin.built_in)
    for name in names:
        try:
            suffixes = registry.get("exporters", name).suffixes
        except (PluginError, MissingExtraError) as error:
            failures.append(str(error))
            continue
        if suffix in suffixes:
            return registry.resolve("exporters", name)
        known += suffixes
    for failure in failures:
        warn_user(f"{path.name}: an exporter of a plugin, which may claim this suffix, cannot be used: {failure}", PluginWarning)
    what = f"the suffix {path.suffix!r}" if suffix else "a name without a suffix"
    raise ParameterError(
        f"no exporter writes {what}: use a file name that ends with one of {', '.join(known)}; for a file object without a name, set "
        "file.name = 'model.onnx'"
    )


def write_graph(graph: ExportGraph, path: FileLike) -> None:
    """Write a graph with the exporter that the suffix chooses, whole or not at all.

    Raises
    ------
    ParameterError
        If no exporter claims the suffix.
    ExportError
        If the target cannot hold the graph.
    OSError
        If the file cannot be written.
    """
    place = FilePlace.of("path", path)
    exporter = exporter_for(place.path)
    place.try_to_write(b"")
    place.write(exporter.export(replace(graph, name=place.path.stem)))


def write_network(g: ModelWriter, network: Network, x: Value, *, part: str = "network", prefix: str = "", link: bool = True) -> Value:
    """The outputs of a network for inputs in its dtype, after the link of its loss if `link`.

    Raises
    ------
    NoFormulaError
        If a component has no formula; the message names layer and component.
    """
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    with g.writing(part, str(network.dtype), prefix):
        value = formula_of_network(g, blueprint, x, network.parameters, network.named_buffers())
        return write_link(g, network.link, value) if link else value


def write_link(g: ModelWriter, link: object, value: Value) -> Value:
    """Outputs after the link of a loss; None changes nothing."""
    return value if link is None else formula_of_activation(g, registry.resolve("activations", link), value)


def graph_of_network(network: Network) -> ExportGraph:
    """The graph of `Sequential.predict`, and of `Sequential.predict_proba` if the loss has a link.

    Raises
    ------
    NoFormulaError
        If a component has no formula; the message names layer and component.
    """
    g = ModelWriter()
    x = g.input("X", network.input_shape, str(network.dtype))
    outputs = write_network(g, network, x, link=False)
    g.output("predict", outputs)
    if network.link is not None:
        with g.writing("link", str(network.dtype)):
            g.output("predict_proba", write_link(g, network.link, outputs))
    return g.graph(about_model(type(network).__name__))


def about_model(model: str) -> dict[str, str]:
    """The description of the model in exported files."""
    from nncore import __version__

    return {"model": model, "written by": f"nncore {__version__}"}


def export(network: Network, path: FileLike) -> None:
    """`Sequential.export`."""
    with at_rest(network):
        graph = graph_of_network(network)
    write_graph(graph, path)
