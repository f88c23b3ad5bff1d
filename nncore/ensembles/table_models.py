"""Models for rows of tables: the encoding of a table, the averaged predictions of networks, and one file for all of it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from nncore.contract import Loss
from nncore.ensembles.input_columns import InputLayout
from nncore.ensembles.members import Members, together, weights_of
from nncore.ensembles.members_file import damage_told, described_members, read_members
from nncore.errors import FileFormatError
from nncore.network import Sequential, load_many, save_many
from nncore.tabular import NOTES, ClassTarget, RealTarget, Remark, Table, TableEncoder, from_json, notes_of, to_json

#: Key for the description of members in a file's description of the columns.
MEMBERS = "members"


def n_outputs(target: ClassTarget | RealTarget, loss: Loss) -> int:
    """Number of outputs of a network for a target column and a loss."""
    if isinstance(target, RealTarget):
        return 1
    n_classes = len(target.classes)
    one_for_each = loss.targets == "real" or (loss.targets == "both" and loss.has_yes_no_outputs)
    return n_classes if one_for_each else loss.n_outputs(n_classes)


@dataclass(frozen=True)
class TableModel(ABC):
    """A model that predicts a target column for rows of a table.

    Attributes
    ----------
    encoder : TableEncoder
        The encoding of each column of the training file.
    """

    encoder: TableEncoder

    @property
    @abstractmethod
    def networks(self) -> list[Sequential]:
        """All networks of the model."""

    @abstractmethod
    def inputs(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        """Encode the rows of a table as a matrix for `outputs`. Also returns remarks for the user.

        Raises
        ------
        DataError
            If a column is missing, or a cell of a numeric column is not a number.
        """

    @abstractmethod
    def spans(self) -> dict[str, slice]:
        """The columns of `inputs` that belong to each column of the table."""

    @abstractmethod
    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities, rates or numbers of shape ``(n_rows, n_outputs)``, in the unit of the target."""

    @abstractmethod
    def _description(self) -> dict[str, Any]:
        """Describe the model for a file, except its networks and columns."""

    @abstractmethod
    def quantized(self, table: Table, skip: Iterable[str] | None = None) -> Self:
        """Quantize all networks to int8, calibrated by the rows of a table; `skip` as in `Sequential.quantize`.

        Raises
        ------
        ParameterError
            If a network has no layer to quantize.
        DataError
            See `inputs`.
        """

    @property
    def loss(self) -> Loss | None:
        """The loss of the fit; None if its plugin is missing."""
        loss: Loss | None = self.networks[0].loss
        return loss

    def decided(self, outputs: np.ndarray) -> np.ndarray:
        """Decisions of the loss for `outputs`."""
        return outputs if self.loss is None else self.loss.decide(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Class probabilities of shape (n_rows, n_classes) or (n_rows, 1). Only if `gives_probabilities`."""
        return outputs if self.loss is None else self.loss.probabilities(outputs)

    @property
    def gives_probabilities(self) -> bool:
        """Whether the loss gives class probabilities."""
        if self.loss is None:
            return self.networks[0].link in ("softmax", "sigmoid")
        return self.loss.has_probabilities

    def predict(self, table: Table) -> list[str] | np.ndarray:
        """Predict classes or numbers for the rows of a table.

        Parameters
        ----------
        table : Table
            Table with the columns of the training file, by name: `TableEncoder.match` finds them in another table.

        Returns
        -------
        list of str, or ndarray of shape (n_rows,), float64
        """
        inputs, _ = self.inputs(table)
        return self.encoder.target.decode(self.decided(self.outputs(inputs)))

    def save(self, path: str | os.PathLike[str], notes: Mapping[str, Any]) -> None:
        """Write networks, columns and `notes` (for JSON) to one file. `load_table_model` reads it."""
        first = self.networks[0]
        first.encoding = to_json(self.encoder) | self._description() | {NOTES: dict(notes)}
        save_many(self.networks, path) if len(self.networks) > 1 else first.save(path)


@dataclass(frozen=True)
class NetworkModel(TableModel):
    """A single network, with inputs made by the encoder.

    Attributes
    ----------
    network : Sequential
    """

    network: Sequential

    @property
    def networks(self) -> list[Sequential]:
        return [self.network]

    def inputs(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        return self.encoder.transform(table)

    def spans(self) -> dict[str, slice]:
        return self.encoder.spans()

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = self.network.predict_proba(inputs)
        return outputs

    def quantized(self, table: Table, skip: Iterable[str] | None = None) -> Self:
        return replace(self, network=self.network.quantize(self.inputs(table)[0], skip=skip))

    def _description(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class EnsembleModel(TableModel):
    """Members with their own encodings, whose predictions are averaged.

    Attributes
    ----------
    members : list of Members
    """

    members: Sequence[Members]

    @property
    def networks(self) -> list[Sequential]:
        return [network for members in self.members for network in members.networks]

    def inputs(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        return self.encoder.matrix(table)

    def spans(self) -> dict[str, slice]:
        return self.encoder.matrix_spans()

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        found = [outputs for members in self.members for outputs in members.outputs(inputs, self.loss)]
        mean = together(found, self.loss, weights_of(list(self.members)))
        return mean.astype(self.networks[0].dtype)  # the networks' precision

    def quantized(self, table: Table, skip: Iterable[str] | None = None) -> Self:
        matrix, _ = self.inputs(table)
        return replace(self, members=[members.quantized(matrix, skip=skip) for members in self.members])

    def _description(self) -> dict[str, Any]:
        return {MEMBERS: described_members(self.members)}


def layout_of(encoder: TableEncoder) -> InputLayout:
    """The layout of `TableEncoder.matrix`: category columns that do not stay codes become one-hot."""
    hot = [place for place, column in encoder.category_columns if not column.is_coded]
    return InputLayout.of(encoder, hot, names=encoder.matrix_names)


def load_table_model(path: str | os.PathLike[str]) -> tuple[TableModel, Mapping[str, Any]]:
    """Load a model that `TableModel.save` wrote, and its notes, which are not checked. No code from the file is run.

    Raises
    ------
    FileFormatError
        If the file has no network or no description of columns, or is damaged.
    """
    networks = load_many(path)
    first = networks[0] if isinstance(networks, list) else next(iter(networks.values()))
    if first.encoding is None:
        reader = "load" if isinstance(networks, list) and len(networks) == 1 else "load_many"
        raise FileFormatError(f"{path} does not describe columns, as nncore train does; in Python: nncore.{reader}({str(path)!r})")
    encoder, description = from_json(first.encoding), first.encoding
    target, notes = encoder.target, notes_of(description)
    n_asked = first.output_shape[-1] if first.loss is None else n_outputs(target, first.loss)
    if first.loss is None and isinstance(target, ClassTarget):
        n_asked = len(target.classes)
    does_not_fit = FileFormatError(f"{path} is damaged: its columns do not fit its network")
    if not isinstance(networks, list):
        raise does_not_fit
    if MEMBERS not in description:
        if len(networks) > 1 or first.input_shape != (encoder.n_inputs,) or first.output_shape != (n_asked,):
            raise does_not_fit
        return NetworkModel(encoder, first), notes
    with damage_told():
        layout = layout_of(encoder)
        members = read_members(description[MEMBERS], layout, networks, 1 if isinstance(target, RealTarget) else None, n_asked)
    return EnsembleModel(encoder, members), notes
