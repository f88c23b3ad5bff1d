"""What is measured, and the file that keeps it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nncore.bench.machine import describe
from scaling.collectives import Delayed
from scaling.links import LINKS
from scaling.shapes import SHAPES
from scaling.steps import Step, difference, pretended

#: Processes that are modelled.
SIZES = (1, 2, 4, 8, 16, 64, 256, 1024)

#: Of a fit that is scaled by shards: no fewer than processes, and as many as they can share out.
MOST_SHARDS = 64


@dataclass(frozen=True)
class Checked:
    """A step of processes that are there.

    Attributes
    ----------
    link : str
        The network that was put between them; empty for none.
    step : Step
        Its seconds are those of the clock, messages included.
    """

    link: str
    step: Step


def read(file: Path) -> tuple[dict[str, Any], list[Step], list[Checked]]:
    """The machine, steps of processes that are not there, and those of processes that are."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    checked = [Checked(one["link"], Step(**one["step"])) for one in kept["checked"]]
    return kept["machine"], [Step(**one) for one in kept["steps"]], checked


def write(file: Path, machine: dict[str, Any], steps: list[Step], checked: list[Checked]) -> None:
    kept = {"machine": machine, "steps": [asdict(one) for one in steps], "checked": [asdict(one) for one in checked]}
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def measure(file: Path) -> None:
    """Both modes, all networks and sizes; and with twice the batch, to tell what grows with it."""
    steps = []
    for shape in SHAPES:
        for size in SIZES:
            if size <= shape.batch:
                for shards in (1, size) if 1 < size <= MOST_SHARDS else (1,):
                    steps.append(pretended(shape, shape.batch, size, shards))
                    print(steps[-1], flush=True)
        steps += [pretended(shape, 2 * shape.batch, 2, shards) for shards in (1, 2)]
        write(file, describe(), steps, [])


def check(file: Path) -> None:
    """By processes of MPI, as many as have been started, without a network between them and with two slow ones."""
    from nncore import registry

    world = registry.resolve("collectives", "mpi")
    for shape in SHAPES:
        for shards in (1, max(2, world.size)):
            for link in ("", "TCP, 10 Gb/s", "TCP, 1 Gb/s"):
                step = difference(
                    shape, shape.batch, world.size, shards, lambda link=link: Delayed(world, LINKS.get(link)), time.perf_counter
                )
                if world.rank == 0:
                    machine, steps, checked = read(file)
                    print(link, step, flush=True)
                    write(file, machine, steps, [*checked, Checked(link, step)])
