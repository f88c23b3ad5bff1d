"""What the page says whatever the results are."""

from __future__ import annotations

PURPOSE = """How much faster [many processes](../guide/more-machines.md) fit one network than one process, **by a model**: the work of a
process is measured, its messages are counted, and the time that messages take is computed from the latency and the bandwidth of a
network. No cluster was at hand. The processes that were at hand are compared with the model below.

*exact* sends samples between layers and has the bits of a fit by one process. *shards* is `shards=` as many parts as there are
processes, and has the bits of one process with as many shards."""

STRONG = """Steps a second, in those of one process. The batch stays as it is, and each process has a smaller part of it. Work that every
process does by itself, messages, and products of few rows keep it from growing."""

WEAK = """Samples a second, in those of one process. Each process has as many samples as one process alone, so that batches grow. The model
has each process do as much as one process does."""

SENT = """By each of 8 processes: of gatherings the bytes of all shares together."""

CHECKED = """Processes of MPI on one machine, with shared memory between them, and with each message delayed by what the model says a
slower network takes. The model starts from the work of a process of as many, with as many shards, on the same machine; one process has
two shards. More processes than cores take turns: the model multiplies their work. It counts no time for shared memory, for a process
that waits for a slower one, or for two processes that share the memory of one machine: what lies above 1 is that."""

ON_ANOTHER = """They ran on another machine than the steps above:"""

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
