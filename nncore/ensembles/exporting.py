"""Write table models as graphs for export: averaged members with their encodings, and models of files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.contract import ExportGraph, Loss, TextLevels, Value, decision_of
from nncore.data import level_key
from nncore.ensembles.calibration import NEAREST, TINY
from nncore.ensembles.members import Members, weights_of
from nncore.ensembles.table_models import EnsembleModel, NetworkModel, TableModel
from nncore.ensembles.target_scale import TargetScale
from nncore.errors import ExportError
from nncore.network import about_model, link_name, write_link, write_network
from nncore.program import ModelWriter
from nncore.tabular import CategoricalColumn, ClassTarget, NumericColumn, TableColumn, TimeColumn

#: Spellings of truth values that mean the same level.
TRUTHS = {"true": ("true", "True", "TRUE"), "false": ("false", "False", "FALSE")}


def write_members(g: ModelWriter, members: Sequence[Members], matrix: Value, loss: Loss | None) -> Value:
    """Write the averaged predictions of members, in the units of the targets, float64. For distributions, only their means.

    Parameters
    ----------
    g : ModelWriter
    members : sequence of Members
    matrix : Value of shape (n, n_columns), float64
        Columns in the form that `InputColumns` takes.
    loss : Loss or None
    """
    outputs: list[Value] = []
    n_networks = sum(len(one.networks) for one in members)
    for number, one in enumerate(members, 1):
        with g.writing(f"encodings {number}" if len(members) > 1 else "encodings"):
            encoded = one.columns.formula(g, matrix)
        for network in one.networks:
            name = f"network {len(outputs) + 1}" if n_networks > 1 else "network"
            inputs = g.cast(encoded, str(network.dtype))
            output = write_network(g, network, inputs, part=name, prefix=f"{name.replace(' ', '_')}." if n_networks > 1 else "")
            with g.writing("answers"):
                output = g.cast(output, "float64")
                if loss is not None and loss.has_deviations:
                    output = decision_of(loss, g, output)
                outputs.append(output if one.target is None else write_places(g, one.target, output))
    with g.writing("answers"):
        weights = weights_of(list(members))
        total = float(len(outputs)) if weights is None else float(weights.sum())
        counted = outputs if weights is None else [output * weight for output, weight in zip(outputs, weights.tolist(), strict=True)]
        mean = counted[0]
        for other in counted[1:]:
            mean = mean + other
        mean = mean / total
        return mean / g.sum(mean) if loss is not None and loss.link == "softmax" else mean


def write_decision(g: ModelWriter, loss: Loss | None, outputs: Value, *, averaged: bool = False) -> Value:
    """Write `Loss.decide` of outputs, for losses that decide values. `averaged`: `write_members` has already taken the means."""
    return outputs if loss is None or (averaged and loss.has_deviations) else decision_of(loss, g, outputs)


def write_places(g: ModelWriter, scale: TargetScale, values: Value) -> Value:
    """Write `TargetScale.places`: values of targets in their units."""
    n_targets, width = scale.n_targets, values.sample_shape[0]
    each = width // n_targets
    found = [scale.chain.inverse_formula(g, g.columns(values, range(k, width, each))) for k in range(each)]
    order = [k * n_targets + target for target in range(n_targets) for k in range(each)]
    return found[0] if each == 1 else g.columns(g.concat(found), order)


def write_temperature(g: ModelWriter, outputs: Value, loss: Loss, temperature: float) -> Value:
    """Write `at_temperature`: divide the logits of outputs by the temperature."""
    if temperature == 1:
        return outputs
    if link_name(loss) == "sigmoid":
        inside = g.minimum(g.maximum(outputs, TINY), 1 - NEAREST)
        logits = g.log(inside) - g.log1p(-inside)
    else:
        logits = g.log(g.maximum(outputs, TINY))
    return write_link(g, loss.link, logits / temperature)


def write_classes(g: ModelWriter, classes: np.ndarray, decided: Value) -> Value:
    """Write the class of each sample from values of `Loss.decide`: the largest, or for a single value the second class above ½."""
    if len(classes) == 1:
        return g.label(classes, g.largest(g.columns(decided, [0])))
    if decided.sample_shape[0] > 1:
        return g.label(classes, g.largest(decided))
    return g.label(classes, g.cast(g.reshape(g.where(decided > 0.5, 1, 0), ()), "int64"))


def text_levels(codes: dict[str, int], missing: int, unknown: int) -> TextLevels:
    """Codes of text levels, including other spellings of truth values."""
    more = {way: code for text, code in codes.items() for way in TRUTHS.get(text, ())}
    return TextLevels(more | codes, missing, unknown)


# ---- models of files --------------------------------------------------------------------------------------------------------


def graph_of_table_model(model: TableModel) -> ExportGraph:
    """The graph of `TableModel.predict`: from columns, by name, to predictions and class probabilities.

    Raises
    ------
    NoFormulaError
        If a component has no formula.
    ExportError
        If a column cannot be exported.
    """
    g, encoder, loss = ModelWriter(), model.encoder, model.loss
    columns = {column.name: _input(g, column) for column in encoder.columns}
    if isinstance(model, NetworkModel):
        with g.writing("columns"):
            parts = [column.chain.formula(g, _raw(g, column, columns[column.name], encoder.missing)) for column in encoder.columns]
        dtype = str(model.network.dtype)
        outputs = write_network(g, model.network, g.cast(g.concat(parts), dtype))
    elif isinstance(model, EnsembleModel):
        with g.writing("columns"):
            matrix = g.concat([_filled(g, column, columns[column.name], encoder.missing) for column in encoder.columns])
        dtype = str(model.networks[0].dtype)
        outputs = g.cast(write_members(g, model.members, matrix, loss), dtype)
    else:
        raise ExportError(f"{type(model).__name__} cannot be exported")
    with g.writing("answers", dtype):
        decided = write_decision(g, loss, outputs, averaged=isinstance(model, EnsembleModel))
        target = encoder.target
        if isinstance(target, ClassTarget):
            g.output("predict", write_classes(g, np.array(target.classes), decided))
            if model.gives_probabilities:
                # Rows sum to 1, also where each class has its own sigmoid, as `nncore predict` writes them.
                shares = decided if loss is not None and loss.decides_probabilities else outputs
                g.output("predict_proba", shares / g.maximum(g.sum(shares), float(np.finfo(dtype).tiny)))
        else:
            numbers = target.chain.inverse_formula(g, g.cast(g.columns(decided, [0]), "float64"))
            g.output("predict", g.reshape(numbers, ()))
    about = {"target": target.name} | ({"classes": ", ".join(target.classes)} if isinstance(target, ClassTarget) else {})
    return g.graph(about_model("nncore train") | about)


def _input(g: ModelWriter, column: TableColumn) -> Value:
    """The input that the caller passes for a column."""
    if isinstance(column, TimeColumn):
        return g.times(column.name)
    return g.input(column.name, (1,), "text" if isinstance(column, CategoricalColumn) else "float64")


def _raw(g: ModelWriter, column: TableColumn, given: Value, words: Sequence[str]) -> Value:
    """A column in the form that its encodings take: numbers, seconds or codes. `words`, in lower case, are missing values."""
    if not isinstance(column, CategoricalColumn):
        return given
    unknown = column.n_codes - 1 if column.has_other else -1
    codes = {level: code for code, level in enumerate(column.levels)}
    if not column.as_text:
        for code, level in enumerate(column.levels):
            codes.setdefault(str(level_key(level)), code)
    missing = len(column.levels) if column.has_missing else unknown
    for word in words:
        for way in (word, word.upper(), word.capitalize()):
            codes.setdefault(way, missing)
    return g.codes(given, text_levels(codes, missing, unknown))


def _filled(g: ModelWriter, column: TableColumn, given: Value, words: Sequence[str]) -> Value:
    """A column in the form that members take: `encode_raw`."""
    raw = _raw(g, column, given, words)
    if isinstance(column, TimeColumn):
        return column.chain.formula(g, raw)
    if isinstance(column, NumericColumn) and not column.has_missing:
        return g.where(g.is_nan(raw), column.median, raw)
    return raw
