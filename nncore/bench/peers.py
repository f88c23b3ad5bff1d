"""The libraries that nncore is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from nncore.errors import ParameterError


@dataclass(frozen=True)
class Peer:
    """A library, used in one way.

    Parameters
    ----------
    name : str
        ``"library"`` or ``"library-flavour"``.
    kinds : tuple of str
        What it is measured at: names of methods of its side.
    install : str
        Arguments for pip.
    """

    name: str
    kinds: tuple[str, ...]
    install: str = ""

    @property
    def side(self) -> str:
        """The program in `nncore.bench.sides`."""
        return self.name.partition("-")[0]

    @property
    def flavour(self) -> str:
        return self.name.partition("-")[2]


NNCORE = Peer(
    "nncore",
    ("training", "members", "prediction", "call", "estimator", "epoch", "fit", "many", "product", "kernel", "flop", "memory"),
)

PEERS = {
    peer.name: peer
    for peer in (
        Peer("torch", ("training", "prediction", "call", "product"), "torch --index-url https://download.pytorch.org/whl/cpu"),
        Peer("torch-compile", ("training",), "torch --index-url https://download.pytorch.org/whl/cpu"),
        Peer("torch-script", ("prediction",), "torch --index-url https://download.pytorch.org/whl/cpu"),
        Peer("jax", ("training",), "jax optax"),
        Peer("sklearn", ("training", "prediction", "estimator", "fit"), "scikit-learn"),
        Peer("onnxruntime", ("prediction",), "onnx onnxruntime"),
    )
}
#: The peers of ``--peers all``. torch-compile takes minutes to compile, and must be named explicitly.
ALL = tuple(name for name in PEERS if name != "torch-compile")


def parse_peers(text: str) -> tuple[Peer, ...]:
    """``"torch,jax"``, ``"all"``, ``"all,torch-compile"``; in the order of `PEERS`.

    Raises
    ------
    ParameterError
        If a name is unknown.
    """
    names = {part.strip() for part in text.split(",")}
    unknown = sorted(names - {"all", *PEERS})
    if unknown:
        raise ParameterError(f"unknown peer {', '.join(unknown)}: there are {', '.join(PEERS)} and all")
    return tuple(peer for peer in PEERS.values() if peer.name in names or ("all" in names and peer.name in ALL))
