"""Exporters: write a model as a file that predicts without nncore."""

from __future__ import annotations

from typing import ClassVar

from nncore.contract.configurable import Configurable
from nncore.contract.exported import ExportGraph


class Exporter(Configurable):
    """Base class of exporters: write a model as a file that predicts without nncore.

    A component writes its prediction once, as a `formula`. The host records the formulas of a whole model, from columns to classes, as an
    `ExportGraph`. An exporter translates that graph, and need not know any component. `nncore.plugin.PRIMITIVES` and
    `nncore.plugin.OPERATIONS` describe what each operation computes.

    Attributes
    ----------
    suffixes : tuple of str
        File suffixes that it claims, in lower case with the dot: ``(".onnx",)``.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def export(self, graph: ExportGraph) -> bytes:
        """Return the content of the file. The host writes it, whole or not at all.

        Parameters
        ----------
        graph : ExportGraph
            The model. It is checked: operands come before the nodes that use them, shapes and dtypes match, and operations are known.

        Returns
        -------
        bytes
            The file.

        Raises
        ------
        ExportError
            If the target cannot represent something in the graph. The message names it and says what to do instead.
        MissingExtraError
            If a library that it needs is not installed.
        """
        raise NotImplementedError(f"{type(self).__name__}.export")
