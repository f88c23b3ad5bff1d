"""Processes started by ``mpiexec`` or ``srun``: they train together, and only the first one prints and writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace

from nncore import registry
from nncore.cli.settings import Settings
from nncore.errors import ParameterError, UnknownComponentError
from nncore.plugin import Collective

#: Environment variables with rank and number of processes: of MPICH and Slurm's PMI, Open MPI, and PMIx under Slurm.
_VARIABLES = (("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMIX_RANK", "SLURM_NTASKS"))


def launched() -> tuple[int, int] | None:
    """Rank of this process and number of processes; None for a single process."""
    for names in _VARIABLES:
        rank, size = (os.environ.get(name, "") for name in names)
        if rank.isdecimal() and size.isdecimal() and int(size) > 1:
            return int(rank), int(size)
    return None


def collective() -> Collective | None:
    """The collective of the processes; None for a single process.

    Raises
    ------
    ParameterError
        If nncore-mpi is not installed.
    """
    if (place := launched()) is None:
        return None
    try:
        found: Collective = registry.resolve("collectives", "mpi")
    except UnknownComponentError as error:
        raise ParameterError(
            f"this is process {place[0]} of {place[1]} started by an MPI launcher, but nncore-mpi, with which they train one network, "
            "is not installed: pip install nncore-mpi, or run the command without the launcher"
        ) from error
    return found


@contextmanager
def together(settings: Settings) -> Iterator[tuple[Settings, bool]]:
    """Run one command in all processes inside the ``with`` block. Yields the settings of this process, and whether it prints and writes.

    An error in one process ends all.
    """
    found = collective()
    if found is None:
        yield settings, True
        return
    try:
        settings = _for_one_network(settings)
        if found.rank == 0:
            yield settings, True
            return
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield replace(settings, out=None, report=None, baselines=False), False
    except BaseException as error:
        found.abort(f"{type(error).__name__}: {error}")
        raise


def _for_one_network(settings: Settings) -> Settings:
    """Adapt settings: several processes train one network at a time."""
    if settings.model not in ("auto", "mlp") or settings.tune is not None:
        what = "--tune" if settings.tune is not None else f"--model {settings.model}"
        raise ParameterError(
            f"{what} trains many small networks, but MPI processes share one large network: use --model mlp, without --tune"
        )
    return replace(settings, model="mlp")
