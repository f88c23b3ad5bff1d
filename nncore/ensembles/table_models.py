"""Networks that answer the rows of files: how a table becomes their inputs, their answer together, one file for all of it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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

#: Where the description of a table's columns in a file has what members know.
MEMBERS = "members"


def n_outputs(target: ClassTarget | RealTarget, loss: Loss) -> int:
    """Outputs of a network for a column: what the loss wants for classes, one for each of them that it compares with 0 or 1."""
    if isinstance(target, RealTarget):
        return 1
    n_classes = len(target.classes)
    one_for_each = loss.targets == "real" or (loss.targets == "both" and loss.has_yes_no_outputs)
    return n_classes if one_for_each else loss.n_outputs(n_classes)


@dataclass(frozen=True)
class TableModel(ABC):
    """What answers rows of tables.

    Attributes
    ----------
    encoder : TableEncoder
        What every column of the training file became.
    """

    encoder: TableEncoder

    @property
    @abstractmethod
    def networks(self) -> list[Sequential]:
        """All of them."""

    @abstractmethod
    def inputs(self, table: Table) -> tuple[np.ndarray, list[Remark]]:
        """What `outputs` takes of the rows of a table, a matrix; and what the user should know.

        Raises
        ------
        DataError
            If a column is missing, or a cell of a numeric column is no number.
        """

    @abstractmethod
    def spans(self) -> dict[str, slice]:
        """The columns of `inputs` that each column became."""

    @abstractmethod
    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Probabilities, rates or numbers, shape ``(n_rows, n_outputs)``, in the unit of the encoder's target."""

    @abstractmethod
    def _description(self) -> dict[str, Any]:
        """What a file says of the model beside its networks and columns."""

    @abstractmethod
    def quantized(self, table: Table) -> Self:
        """The same model with products of 8 bits, for inputs like those of the rows of a table; see `Sequential.quantize`.

        Raises
        ------
        ParameterError
            If a network has no layer to quantize.
        DataError
            As `inputs`.
        """

    @property
    def loss(self) -> Loss | None:
        """What was minimised; None where its plugin is missing."""
        loss: Loss | None = self.networks[0].loss
        return loss

    def decided(self, outputs: np.ndarray) -> np.ndarray:
        """What the loss decides for `outputs`."""
        return outputs if self.loss is None else self.loss.decide(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities of classes, (n_rows, n_classes) or (n_rows, 1), if the loss `gives_probabilities` for `outputs`."""
        return outputs if self.loss is None else self.loss.probabilities(outputs)

    @property
    def gives_probabilities(self) -> bool:
        """Whether there are `probabilities` of classes."""
        if self.loss is None:
            return self.networks[0].link in ("softmax", "sigmoid")
        return self.loss.has_probabilities

    def predict(self, table: Table) -> list[str] | np.ndarray:
        """Classes, or numbers, of the rows of a table.

        Parameters
        ----------
        table : Table
            With the columns of the training file, by name: `TableEncoder.match` finds them in another one.

        Returns
        -------
        list of str, or ndarray of shape (n_rows,), float64
        """
        inputs, _ = self.inputs(table)
        return self.encoder.target.decode(self.decided(self.outputs(inputs)))

    def save(self, path: str | os.PathLike[str], notes: Mapping[str, Any]) -> None:
        """Write networks and columns to one file, with `notes` that JSON can hold, which `load_table_model` gives back."""
        first = self.networks[0]
        first.encoding = to_json(self.encoder) | self._description() | {NOTES: dict(notes)}
        save_many(self.networks, path) if len(self.networks) > 1 else first.save(path)


@dataclass(frozen=True)
class NetworkModel(TableModel):
    """One network, whose inputs the encoder makes.

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

    def quantized(self, table: Table) -> Self:
        return replace(self, network=self.network.quantize(self.inputs(table)[0]))

    def _description(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class EnsembleModel(TableModel):
    """Members with encodings of their own, whose answers are averaged.

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
        return mean.astype(self.networks[0].dtype)  # whose digits are those that are told apart

    def quantized(self, table: Table) -> Self:
        matrix, _ = self.inputs(table)
        return replace(self, members=[members.quantized(matrix) for members in self.members])

    def _description(self) -> dict[str, Any]:
        return {MEMBERS: described_members(self.members)}


def layout_of(encoder: TableEncoder) -> InputLayout:
    """Which columns of `TableEncoder.matrix` become which inputs: those are one-hot that do not stay codes."""
    hot = [place for place, column in encoder.category_columns if not column.is_coded]
    return InputLayout.of(encoder, hot, names=encoder.matrix_names)


def load_table_model(path: str | os.PathLike[str]) -> tuple[TableModel, Mapping[str, Any]]:
    """A model that `TableModel.save` wrote, and its notes, of which nothing is checked. No code from the file is run.

    Raises
    ------
    FileFormatError
        If the file holds no network, has no description of columns, or is damaged.
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
