"""``nncore info MODEL``: show the content of a model file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nncore.arguments import listed
from nncore.cli.row_columns import RowColumns
from nncore.cli.terminal import json_text, labelled, notice, printable, say, table
from nncore.cli.training_notes import TrainingNotes
from nncore.errors import FileFormatError

if TYPE_CHECKING:
    from nncore.inspection import FileInfo, NetworkInfo, ProviderInfo

#: Largest length of a text from a file; longer ones are cut.
_LONGEST = 200


def show(path: Path, *, as_json: bool) -> int:
    """Show the content of a file, and return the exit code: 1 if it is not a model file."""
    from nncore.inspection import file_info

    try:
        info = file_info(path)
        lines = _lines(info)
    except FileFormatError as error:
        if as_json:
            say(json_text({"path": str(path), "problem": str(error)}, indent=2))
        notice(f"error: {error}")
        return 1
    if as_json:
        say(json_text({**asdict(info), "problem": None}, indent=2))
        return 0
    for line in lines:
        say(line)
    return 0


def _lines(info: FileInfo) -> list[str]:
    version = "" if info.format_version is None else f" {info.format_version}"
    lines = [
        labelled("file", f"{printable(info.path)}, {info.n_bytes:,} bytes"),
        labelled("format", f"{info.format}{version}, written by nncore {_cut(info.nncore_version)}; checksum and description are sound"),
    ]
    networks = info.networks
    if len(networks) > 1 and [network.target is not None for network in networks[:2]] == [True, False]:
        lines.append(labelled("networks", f"{len(networks)}, whose predictions are averaged; this is the first"))
        networks = networks[:1]
    elif len(networks) > 1 or networks[0].name is not None:
        lines.append(labelled("networks", f"{len(networks)}: load them with nncore.load_many"))
    for number, network in enumerate(networks):
        if len(networks) > 1:
            lines += ["", labelled("network", str(number) if network.name is None else _cut(network.name))]
        lines += _of_network(network)
    return lines


def _of_network(network: NetworkInfo) -> list[str]:
    shape = " × ".join(map(str, network.input_shape))
    rows = [[_cut(layer.name), _component({"name": layer.kind, **layer.arguments}), f"{layer.n_parameters:,}"] for layer in network.layers]
    lines = [
        *_training(network),
        labelled("input", f"{shape} numbers for each sample"),
        labelled("parameters", f"{network.n_parameters:,}, {network.dtype}"),
        "",
        table([["layer", "does", "parameters"], *rows]),
        "",
        labelled("loss", "none" if network.loss is None else _component(network.loss)),
        labelled("optimizer", "none" if network.optimizer is None else _component(network.optimizer) + _state(network)),
    ]
    for path, schedule in (network.schedule or {}).items():
        lines.append(labelled("schedule", f"{path}: {_component(schedule)}"))
    steps = f"{network.n_steps:,} steps, " if network.n_steps or not network.n_epochs else ""  # 0 after the optimizer state was reset
    lines.append(labelled("trained", f"{network.n_epochs:,} epochs, {steps}seed {network.seed}{_place(network)}"))
    if network.callbacks:
        lines.append(labelled("callbacks", f"hold the state of an interrupted fit: {_cut(listed(network.callbacks))}"))
    if network.target is not None:
        lines.append(labelled("columns", f"{len(network.columns):,}: {_cut(listed(network.columns))}"))
        classes = f", {len(network.classes)} classes: {_cut(listed(network.classes))}" if network.classes else ", a number"
        lines.append(labelled("target", printable(network.target) + classes))
    if network.metadata:
        lines.append(labelled("metadata", _cut(json.dumps(network.metadata))))
    return [*lines, *_plugins(network.providers)]


def _training(network: NetworkInfo) -> list[str]:
    """Notes of `nncore train` about the model."""
    if (training := TrainingNotes.from_json(network.notes)) is None:
        return []
    lines = [labelled("model", _cut(training.in_words()))]
    if training.search is not None:
        lines.append(labelled("tuned", printable(training.search.in_words())))
    if training.options:
        lines.append(labelled("options", _cut(training.options_in_words())))
    uses = RowColumns.from_json(network.notes).in_words()
    return [*lines, labelled("rows", _cut("; ".join(uses) if uses else "equal weights, split at random"))]


def _component(description: dict[str, Any]) -> str:
    arguments = ", ".join(
        f"{name}={_component(value) if isinstance(value, dict) and 'name' in value else json.dumps(value)}"
        for name, value in description.items()
        if name not in ("kind", "name") and value is not None
    )
    return _cut(f"{description.get('name')}({arguments})")


def _state(network: NetworkInfo) -> str:
    parts = [
        ("its state", network.has_optimizer_state),
        ("an average of the parameters", network.has_average),
        ("the last and the best parameters", network.shows_other_parameters),
    ]
    return "".join(f", with {text}" for text, is_there in parts if is_there)


def _place(network: NetworkInfo) -> str:
    if network.place is None:
        return ""
    return (
        f"; interrupted after {network.place['samples']:,} of the {network.place['epoch_length']:,} samples of epoch {network.n_epochs + 1}"
    )


def _plugins(providers: tuple[ProviderInfo, ...]) -> list[str]:
    """A line for each plugin, and one for classes that were registered at run time."""
    by_plugin: dict[tuple[str, str, str | None], list[str]] = {}
    for one in providers:
        by_plugin.setdefault((one.plugin, one.version, one.installed), []).append(one.name)
    lines = []
    for (plugin, version, installed), names in by_plugin.items():
        if not plugin:
            text = "registered at run time: pass their classes to nncore.load(path, components=...)"
        elif installed is None:
            text = f"{plugin} {version}, which is not installed: pip install {plugin}=={version}"
        else:
            text = f"{plugin} {version}" + ("" if installed == version else f", here {installed}")
        lines.append(labelled("plugin", f"{_cut(text)} ({_cut(listed(sorted(set(names))))})"))
    return lines


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
