"""Results as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from nncore.bench import lines
from nncore.bench.results import Results
from nncore.bench.sections import SECTIONS
from nncore.bench.summary import Finding, counted, thread_counts, with_threads
from nncore.bench.tables import entries, markdown

_TRAINING = """One step gathers a batch, computes the forward pass, softmax cross-entropy and the backward pass, and updates with Adam;
float32, ReLU. Times are microseconds for a step, the best of many epochs. In parentheses: how many times as fast nncore is.

`limit` is the shortest time that the processor allows for the step's multiply-adds and for Adam's 28 bytes for each parameter. It uses
the peak measured on one core, times the number of threads, and the bandwidth measured with one thread, also where two work. It counts
nothing else of a step. `of limit` is the limit divided by nncore's time: 50 % takes twice as long as the limit. More than 100 % is
possible if all parameters fit a cache, which is faster than the memory that the limit counts.

**Bold**: nncore is slower than the library, or a step on one thread misses its part of the limit's speed. This part is 85 % if the limit is
over 100 µs and the batch at least 32, else a third."""
_PREDICTION = """Microseconds for a call from Python on one core: `predict_one` at batch 1, `predict` for larger batches. `limit` counts
only the multiply-adds. The call itself takes a microsecond or two more, which small networks cannot avoid."""
_SIMPLECHAINS = """4-32-16-4, tanh, mean squared error, Adam, 10,000 samples in one batch. Microseconds for an epoch, which is one step."""
_METHOD = """Each library runs in its own process on the same data, pinned to as many cores as it may use threads. In each case nncore
and its peers take turns, so that other load on the machine affects all of them. The best time counts. PyTorch indexes tensors and uses
its fused Adam. JAX runs a whole epoch as one compiled scan with optax's Adam. The times of nncore and scikit-learn include drawing the
order of the samples; the times of the other two do not. To repeat it:"""
_LINES = "In parentheses: how many times as fast nncore is. **Bold**: nncore is slower than the library, or misses the goal."
_BUSY = """another process copied memory and multiplied matrices on one of the cores, while each library had its turn; peak and
bandwidth were measured before. On 1 thread, a library had another core and shared only the memory. On as many threads as cores, it
shared that core too, about half of which is left. The limit counts all cores whole, so no library can reach it then"""


def write(results: Results, picture: PurePath | None = None) -> str:
    """The page.

    Parameters
    ----------
    results : Results
    picture : PurePath, optional
        Where the picture is, as seen from the page.
    """
    return "\n\n".join(_blocks(results, picture)) + "\n"


def _blocks(results: Results, picture: PurePath | None) -> Iterator[str]:
    rates = results.rates
    yield f"# Speed benchmark on {results.machine['CPU']}{', one core busy' if results.busy else ''}"
    facts = (
        results.machine
        | results.versions
        | {
            "peak of one core": f"{rates.flops / 1e9:.1f} GFLOP/s (measured)",
            "bandwidth of one core": f"{rates.bandwidth / 1e9:.1f} GB/s (measured)",
        }
        | ({"neighbour": _BUSY.replace("\n", " ")} if results.busy else {})
    )
    yield "| machine | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    yield "## In short"
    yield "\n".join(map(_bullet, lines.findings(results))) or "Nothing was measured."
    if picture is not None:
        yield f"![Ratios of every case]({picture.as_posix()})"
    if results.training:
        yield "## Training"
        yield _TRAINING
        for threads in thread_counts(results.training):
            yield f"### {counted(threads)}"
            yield markdown(entries(with_threads(results.training, threads), judged=True))
    for title, text, cells in (
        ("Prediction", _PREDICTION, results.prediction),
        ("SimpleChains.jl's case", _SIMPLECHAINS, results.simplechains),
    ):
        if cells:
            yield f"## {title}"
            yield text
            yield markdown(entries(cells))
    for _, section, measured in lines.measured(results):
        yield f"## {section.title}"
        yield section.text
        yield _LINES
        yield markdown(lines.entries(section, measured))
    if results.remarks:
        yield "## Not measured"
        yield "\n".join(f"- {remark}" for remark in results.remarks)
    yield "## How it was measured"
    yield _METHOD
    yield f"```sh\n{results.command}\n```"


def _bullet(finding: Finding) -> str:
    """Its first part, and the others in lines below it."""
    label = SECTIONS[finding.label].title if finding.label in SECTIONS else finding.label.capitalize()
    first, *others = finding.text.split("; ")
    bad = [f"**{part}**" for part in finding.bad.split("; ") if part]
    return "\n  - ".join([f"- {label}: {first}", *others, *bad])
