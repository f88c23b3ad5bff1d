"""Exporters: how a model becomes a file that predicts without nncore."""

from __future__ import annotations

from typing import ClassVar

from nncore.contract.configurable import Configurable
from nncore.contract.exported import ExportGraph


class Exporter(Configurable):
    """How a model becomes a file that predicts without nncore.

    A component writes its prediction once, as a `formula`. The host records the formulas of a whole model, from columns to classes, as an
    `ExportGraph`; an exporter translates that graph, and needs to know no component. `nncore.plugin.PRIMITIVES` and
    `nncore.plugin.OPERATIONS` say what each operation computes.

    Attributes
    ----------
    suffixes : tuple of str
        Of the file names that it claims, in lower case with the dot: ``(".onnx",)``.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def export(self, graph: ExportGraph) -> bytes:
        """The content of the file. The host writes it, whole or not at all.

        Parameters
        ----------
        graph : ExportGraph
            Checked: operands come before what uses them, their shapes and dtypes fit, and every operation is known.

        Returns
        -------
        bytes

        Raises
        ------
        ExportError
            If the graph has something that the target cannot hold, with a message that names it and says what to do instead.
        MissingExtraError
            If a library that it needs is not installed.
        """
        raise NotImplementedError(f"{type(self).__name__}.export")
