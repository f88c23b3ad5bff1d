"""What a model of another library has and nncore has not: all of it is said at once, before anything is built."""

from __future__ import annotations

from nncore.errors import ParameterError

#: For what is neither a layer nor an activation here.
NOT_DENSE = "nncore has networks of dense layers: keep this part where it is, and hand over the layers behind it"
OWN_ACTIVATION = "train with one of nn.names('activations'), or write it as an activation of your own and build the network by hand"


class Misfits:
    """Parts that do not fit, with their places and what to do.

    Parameters
    ----------
    caller : str
        The function that users called.
    """

    def __init__(self, caller: str) -> None:
        self._caller = caller
        self._found: list[str] = []

    def add(self, place: str, what: str, remedy: str) -> None:
        """Note a part: where it is, what is wrong with it, what to do."""
        self._found.append(f"{place}: {what}. Instead: {remedy}")

    def check(self) -> None:
        """Raise `ParameterError` if there are any."""
        if self._found:
            listed = "".join(f"\n- {text}" for text in dict.fromkeys(self._found))
            raise ParameterError(f"{self._caller}: this model has parts that nncore cannot take, so nothing was built:{listed}")
