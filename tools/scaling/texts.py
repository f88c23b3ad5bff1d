"""What the page says whatever the results are."""

from __future__ import annotations

PURPOSE = """How much faster do [many processes](../guide/more-machines.md) fit one network than one process? **The numbers come from a
model**, since no cluster was available. The work of a process was measured, and its messages were counted. The time of messages is
computed from the latency and the bandwidth of a network. Below, the model is compared with processes on one machine.

*exact* sends samples between layers and has the bits of a fit by one process. *shards* uses `shards=` with the number of processes. It has
the bits of one process with as many shards."""

STRONG = """Steps a second, relative to one process. The size of the batch is fixed, and each process has a smaller part of it.
Messages, products of few rows, and work that every process repeats limit the gain."""

WEAK = """Samples a second, relative to one process. Each process has as many samples as one process alone, so batches grow. In the
model, each process does as much as one process does."""

SENT = """Messages of each of 8 processes. For gatherings, the bytes are those of all shares together."""

CHECKED = """Processes of MPI on one machine, with shared memory between them, and with each message delayed by what the model says a
slower network takes. The model starts from the work of a process of as many, with as many shards, on the same machine; one process has
two shards. More processes than cores take turns: the model multiplies their work. The model counts no time for shared memory, or for a
process that waits for a slower one. It also ignores that processes share the memory of one machine. Ratios above 1 show this time."""

ON_ANOTHER = """They ran on another machine:"""

METHOD = """- A network is trained as the first of R processes with a collective that pretends that there are others. It counts messages and
  bytes, and its own time does not count. Seconds are those of the processor, on one thread: the least of three fits less the least of three
  shorter ones.
- An exchange takes latency + bytes / bandwidth, a gathering of R shares ⌈log₂ R⌉ · latency + bytes · (R − 1) / R / bandwidth.
- Adam, squared error, float32, ReLU layers. Reading data, validation and files are left out.

```sh
PYTHONPATH=tools python -m scaling measure --out {file}
PYTHONPATH=tools mpiexec -n 2 python -m scaling check --out {file}
PYTHONPATH=tools python -m scaling page --out {file}
```

The numbers behind this page are in [{name}]({name})."""
