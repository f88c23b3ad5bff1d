"""Collect all parts of another library's model that nncore cannot convert, and report them in one error."""

from __future__ import annotations

from nncore.errors import ParameterError

#: Remedy for a layer or activation that nncore does not have.
NOT_DENSE = "nncore has dense layers only: keep this part in its library, and convert the layers after it"
OWN_ACTIVATION = "train with one of nn.names('activations'), or write it as an activation of your own and build the network by hand"


class Misfits:
    """Parts that cannot be converted, with their places and what to do.

    Parameters
    ----------
    caller : str
        The function that users called.
    """

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self._found: list[str] = []

    def add(self, place: str, what: str, remedy: str) -> None:
        """Note a part: its place, what is wrong, and what to do."""
        self._found.append(f"{place}: {what}. Instead: {remedy}")

    def check(self) -> None:
        """Raise `ParameterError` if there are any."""
        if self._found:
            listed = "".join(f"\n- {text}" for text in dict.fromkeys(self._found))
            raise ParameterError(f"{self._caller}: nncore cannot convert these parts of the model:{listed}")
