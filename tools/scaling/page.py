"""The page, from the file of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nncore.bench.tables import Entry, markdown
from scaling import texts
from scaling.links import KINDS, LINKS, Link, seconds_of
from scaling.pictures import draw
from scaling.results import SIZES, Results, read
from scaling.shapes import SHAPES, Shape
from scaling.steps import Step

#: Processes that tables have a column for.
SHOWN = (2, 4, 16, 64, 256, 1024)

MODES = {False: "exact", True: "shards"}


class Model:
    """What a step takes, from steps that were measured.

    Parameters
    ----------
    steps : sequence of Step
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = {(step.shape, step.batch, step.size, step.shards > 1): step for step in steps}

    def step(self, shape: Shape, size: int, with_shards: bool, *, batch: int = 0) -> Step | None:
        """The one that was measured; of a single process in either mode, that without shards."""
        return self._steps.get((str(shape), batch or shape.batch, size, with_shards and size > 1))

    def strong(self, shape: Shape, size: int, with_shards: bool, link: Link) -> float | None:
        """How many times as fast as one process, the batch being shared out."""
        one, many = self.step(shape, 1, False), self.step(shape, size, with_shards)
        return None if one is None or many is None else one.seconds / many.with_messages(link)

    def weak(self, shape: Shape, size: int, with_shards: bool, link: Link) -> float | None:
        """How many samples a second, in those of one process, each process having a batch of its own.

        Each does what one process does, and messages grow with the samples of all, as far as they hold samples. Where a size was not
        measured, each process sends every other one the gradients that this one updates, in exchanges, and gathers as two processes do.
        """
        one, two = self.step(shape, 1, False), self.step(shape, 2, with_shards)
        double, many = self.step(shape, 2, with_shards, batch=2 * shape.batch), self.step(shape, size, with_shards)
        if one is None or two is None or double is None:
            return None
        seconds = one.seconds
        for kind in KINDS:
            per_batch = double.sent[kind] - two.sent[kind]
            calls, fixed = (many or two).calls[kind], (many or two).sent[kind] - per_batch
            if many is None and kind == "exchange":
                calls, fixed = calls * (size - 1), 2 * fixed * (1 - 1 / size)
            seconds += seconds_of(kind, calls, fixed + per_batch * size, size, link)
        return size * one.seconds / seconds


def write(file: Path) -> Path:
    """Write the page and its picture beside the file of results."""
    page = file.with_suffix(".md")
    page.write_text("\n\n".join(_parts(file)) + "\n", encoding="utf-8")
    return page


def _parts(file: Path) -> Iterator[str]:
    results = read(file)
    model = Model(results.steps)
    yield "# Scaling: speed-up with many processes"
    yield texts.PURPOSE
    yield _machine(results.machine)
    yield "## In short"
    yield "\n".join(f"- {sentence}" for shape in SHAPES for sentence in _sentences(model, shape))
    picture = file.with_suffix(".png")
    draw(model.strong, SIZES, picture)
    yield f"![Speed-up against processes]({picture.name})"
    yield "## Strong scaling: one batch for all processes"
    yield texts.STRONG
    yield from _curves(model.strong)
    yield "## Weak scaling: a batch for each process"
    yield texts.WEAK
    yield from _curves(model.weak)
    yield "## What a step sends"
    yield texts.SENT
    yield _sent(model)
    if results.checked:
        yield "## The model compared with real processes"
        yield texts.CHECKED
        if {**results.machine, "date": ""} != {**results.checked_on, "date": ""}:
            yield texts.ON_ANOTHER
            yield _machine(results.checked_on)
        yield _checked(results)
    yield "## How it was measured"
    yield texts.METHOD.format(file=f"docs/benchmarks/{file.name}", name=file.name)


def _sentences(model: Model, shape: Shape) -> Iterator[str]:
    """Where its speed-up is largest, over each network."""
    found = []
    for name, link in LINKS.items():
        best = max(
            ((speed, -size, mode) for mode in MODES for size in SIZES if (speed := model.strong(shape, size, mode, link)) is not None),
            default=(1.0, -1, False),
        )
        speed, size, mode = best[0], -best[1], MODES[best[2]]
        found.append(f"{name}: {speed:.1f} times with {size} processes ({mode})" if size > 1 else f"{name}: one process is quickest")
    yield "\n  - ".join([f"{shape}, {shape.batch} samples a step", *found])


def _curves(curve: object) -> Iterator[str]:
    assert callable(curve)
    for shape in SHAPES:
        rows = []
        for name, link in LINKS.items():
            for with_shards, mode in MODES.items():
                values = [curve(shape, size, with_shards, link) for size in SHOWN]
                rows.append([name, mode, *(_times(value) for value in values)])
        yield f"**{shape}**, {shape.batch} samples"
        yield _table(["network", "mode", *map(str, SHOWN)], rows)


def _times(value: float | None) -> str:
    """With two digits, or whole."""
    return "–" if value is None else f"{value:.2g}" if value < 9.95 else f"{value:.0f}"


def _sent(model: Model) -> str:
    rows = []
    for shape in SHAPES:
        for with_shards, mode in MODES.items():
            step = model.step(shape, 8, with_shards)
            if step is not None:
                rows.append([str(shape), mode, f"{sum(step.calls.values()):.1f}", f"{sum(step.sent.values()) / 1e6:.2f}"])
    return _table(["network", "mode", "messages a step", "MB a step"], rows)


def _machine(machine: Mapping[str, object]) -> str:
    return _table(["machine", ""], [[name, str(value)] for name, value in machine.items()])


def _checked(results: Results) -> str:
    rows = []
    n_cores = int(results.checked_on["cores"])
    for one in results.checked:
        step, seconds = one.step, one.expected(n_cores)
        texts = [
            step.shape,
            str(step.size),
            MODES[step.shards > 1],
            one.link or "none",
            f"{seconds * 1e3:.2f}",
            f"{step.seconds * 1e3:.2f}",
        ]
        rows.append([*texts, f"{step.seconds / seconds:.2f}"])
    return _table(["network", "processes", "mode", "delays of", "model, ms", "measured, ms", "ratio"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown([[Entry(text) for text in row] for row in (head, *rows)])
