"""What is measured, and the file that keeps it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
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
    alone : Step
        The same step of a process whose others are not there, on the same machine: what the model starts from.
    """

    link: str
    step: Step
    alone: Step

    @property
    def key(self) -> tuple[str, str, int, int, int]:
        """What is checked."""
        return self.link, self.step.shape, self.step.batch, self.step.size, self.step.shards

    def expected(self, n_cores: int) -> float:
        """Seconds by the model. More processes than cores take turns."""
        work = replace(self.alone, seconds=self.alone.seconds * max(1.0, self.step.size / n_cores))
        return work.with_messages(LINKS[self.link]) if self.link else work.seconds


@dataclass(frozen=True)
class Results:
    """What the file holds.

    Attributes
    ----------
    machine : dict
        Where `steps` were measured.
    steps : list of Step
        Of processes that are not there.
    checked_on : dict
        Where `checked` were; empty if none were.
    checked : list of Checked
        Of processes that are there.
    """

    machine: dict[str, Any]
    steps: list[Step]
    checked_on: dict[str, Any]
    checked: list[Checked]

    def with_checked(self, found: Checked, machine: dict[str, Any]) -> Results:
        """These and one more, in the place of what was found earlier. Of two machines the later one counts."""
        is_same = {**self.checked_on, "date": ""} == {**machine, "date": ""}
        others = [one for one in self.checked if is_same and one.key != found.key]
        return replace(self, checked_on=machine, checked=[*others, found])


def read(file: Path) -> Results:
    """What `write` wrote."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    checked = [Checked(one["link"], Step(**one["step"]), Step(**one["alone"])) for one in kept["checked"]]
    return Results(kept["machine"], [Step(**one) for one in kept["steps"]], kept["checked_on"], checked)


def write(file: Path, results: Results) -> None:
    """All that was measured."""
    file.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")


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
        write(file, Results(describe(), steps, {}, []))


def check(file: Path) -> None:
    """By processes of MPI, as many as have been started, without a network between them and, of several, with two slow ones.

    Each measures first what it takes alone, with as many shards, so that the model is of this machine.
    """
    from nncore import registry

    world = registry.resolve("collectives", "mpi")
    for shape in SHAPES:
        for shards in (1, max(2, world.size)):
            alone = pretended(shape, shape.batch, world.size, shards)
            for link in ("", "TCP, 10 Gb/s", "TCP, 1 Gb/s") if world.size > 1 else ("",):
                step = difference(
                    shape, shape.batch, world.size, shards, lambda link=link: Delayed(world, LINKS.get(link)), time.perf_counter
                )
                if world.rank == 0:
                    found = Checked(link, step, alone)
                    print(found, flush=True)
                    write(file, read(file).with_checked(found, describe()))
