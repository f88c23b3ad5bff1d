"""Formats: how a described network becomes the bytes of a file, and comes back."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.contract.configurable import Configurable


class Format(Configurable):
    """How a described network becomes the bytes of a file, and comes back. Reading must not run code from the file.

    Attributes
    ----------
    suffixes : tuple of str
        Of the file names it claims, in lower case with the dot: ``(".npz",)``.
    version : int or None
        Of what it writes, if it counts versions.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int | None] = None

    def encode(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
        """The file, from a description that JSON can hold and C-contiguous arrays by name. The host writes it atomically."""
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def decode(self, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
        """Description and arrays of a file, given all its bytes. Both must come back as they were handed to `encode`.

        The host checks the two against each other; the format checks that the file is sound, and takes no more memory than a small
        multiple of its length. Before the host puts a new file in the place of an older one, it decodes the new one.

        Raises
        ------
        FileFormatError
            If it is not, with a message that goes on after "... cannot be loaded: ".
        """
        raise NotImplementedError(f"{type(self).__name__}.decode")
