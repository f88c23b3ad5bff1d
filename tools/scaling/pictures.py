"""Speed-up against processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from scaling.links import LINKS, Link
from scaling.shapes import SHAPES, Shape

COLOURS = ("#0f766e", "#1d4ed8", "#c2410c", "#6b7280")


def draw(strong: Callable[[Shape, int, bool, Link], float | None], sizes: Sequence[int], file: Path) -> None:
    """A panel for each network, a colour for each link, dashed with shards, as PNG."""
    figure = Figure(figsize=(15, 5), layout="constrained")
    for ax, shape in zip(figure.subplots(1, len(SHAPES)), SHAPES, strict=True):
        ax.plot(sizes, sizes, color="0.85", lw=1)
        ax.axhline(1, color="0.85", lw=1)
        for (name, link), colour in zip(LINKS.items(), COLOURS, strict=True):
            for with_shards, style in ((False, "-"), (True, "--")):
                found = [(size, speed) for size in sizes if (speed := strong(shape, size, with_shards, link)) is not None]
                ax.plot(*zip(*found, strict=True), style, color=colour, label=name + ", shards" * with_shards)
        ax.set(xscale="log", yscale="log", xlabel="processes", title=f"{shape}, {shape.batch} samples a step", ylim=(0.05, 200))
        ax.set_xticks(sizes[::2], [str(size) for size in sizes[::2]])
        ax.grid(alpha=0.2)
    figure.axes[0].set_ylabel("times as fast as one process")
    figure.axes[-1].legend(fontsize=8)
    figure.savefig(file, dpi=100)
