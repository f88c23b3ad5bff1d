"""What this plugin offers. nncore reads it when somebody first asks for a component by name."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_collectives(api: tuple[int, int]) -> list[Component]:
    return [Component("mpi", "nncore_mpi.mpi:MPI", "the processes that mpiexec has started")]
