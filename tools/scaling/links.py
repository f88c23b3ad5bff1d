"""What connects processes, and how long messages take."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Of messages.
KINDS = ("all_gather", "exchange")


@dataclass(frozen=True)
class Link:
    """A network, as programs of MPI see it.

    Attributes
    ----------
    latency : float
        Seconds until the first byte of a message arrives.
    bandwidth : float
        Bytes a second of each process after it, both ways at a time.
    """

    latency: float
    bandwidth: float


#: Orders of size, from data sheets and what makers publish of MPI's own benchmarks.
LINKS = {
    "InfiniBand HDR, 200 Gb/s": Link(1.3e-6, 23e9),
    "RDMA over Ethernet, 25 Gb/s": Link(4e-6, 2.9e9),
    "TCP, 10 Gb/s": Link(30e-6, 1.15e9),
    "TCP, 1 Gb/s": Link(60e-6, 0.117e9),
}


def seconds_of(kind: str, calls: float, n_bytes: float, size: int, link: Link) -> float:
    """Of messages of `size` processes.

    An exchange takes ``latency + bytes / bandwidth``. Gathering doubles what each process has ⌈log₂ size⌉ times, and all but its own share
    goes through each of them: ``⌈log₂ size⌉ · latency + bytes · (size − 1) / size / bandwidth``.

    Parameters
    ----------
    kind : {"all_gather", "exchange"}
    calls : float
        How many there are.
    n_bytes : float
        Of all of them; of a gathering, all shares together.
    size : int
    link : Link
    """
    if size == 1:
        return 0.0
    if kind == "exchange":
        return calls * link.latency + n_bytes / link.bandwidth
    return calls * math.ceil(math.log2(size)) * link.latency + n_bytes * (size - 1) / size / link.bandwidth
