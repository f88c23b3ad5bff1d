"""File formats of networks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.contract.configurable import Configurable


class Format(Configurable):
    """Base class of file formats: turn a description and arrays into bytes, and back. Reading must not run code from the file.

    Attributes
    ----------
    suffixes : tuple of str
        File suffixes that it claims, in lower case with the dot: ``(".npz",)``.
    version : int or None
        Version of the files that it writes, if it has versions.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int | None] = None

    def encode(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
        """Return the file for a description that JSON can hold and C-contiguous arrays by name. The host writes it atomically."""
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def decode(self, data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
        """Return description and arrays from the bytes of a file, equal to those that `encode` was given.

        The format checks that the file is sound, and uses memory of at most a small multiple of its length. The host checks description and
        arrays against each other. It also decodes a new file before it replaces an older one.

        Raises
        ------
        FileFormatError
            If the file is damaged or of another format. The message continues "... cannot be loaded: ".
        """
        raise NotImplementedError(f"{type(self).__name__}.decode")
