"""Results as a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from nncore.bench import lines
from nncore.bench.results import Results
from nncore.bench.sections import SECTIONS
from nncore.bench.summary import Finding, counted, thread_counts, with_threads
from nncore.bench.tables import entries, markdown

_TRAINING = """One step gathers a batch, goes forward, takes softmax cross-entropy, goes backward and lets Adam update; float32, ReLU.
Microseconds a step, the best of many epochs. Behind a library's time stands how many times as fast nncore is.

`limit` is the shortest time that the processor's own speed allows: the step's multiply-adds at the peak measured on one core, times the
number of threads, and Adam's 28 bytes a parameter at the bandwidth measured with one thread (also where two work). Nothing else of a step
is in it. `of limit` is the limit divided by nncore's time: 100 % is as fast as that, 50 % takes twice as long. More than 100 % is possible
where all parameters fit a cache, which is faster than the memory that the limit counts.

**Bold**: slower than the library; or, on one thread, below the part of the limit's speed that is wanted, 85 % where the limit is over
100 µs and the batch at least 32, a third elsewhere."""
_PREDICTION = """Microseconds a call from Python on one core: `predict_one` at batch 1, `predict` above. `limit` is the multiply-adds alone,
which leaves out the call itself: a microsecond or two that small networks do not get below."""
_SIMPLECHAINS = """4-32-16-4, tanh, mean squared error, Adam, 10,000 samples in one batch; microseconds an epoch, which is one step."""
_METHOD = """Each library runs in a process of its own, pinned to as many cores as it may use threads, on the same data. In each case nncore
and its peers take turns, so that what else happens on the machine meets all of them; the best time counts. PyTorch indexes tensors and uses
its fused Adam; JAX runs a whole epoch as one compiled scan with optax's Adam; drawing the order of the samples is timed for nncore and
scikit-learn, and not for the other two. To repeat it:"""
_LINES = "Behind a library's time stands how many times as fast nncore is. **Bold**: slower than the library, or short of the goal."
_BUSY = """another process copied memory and multiplied matrices on one of the cores all the time, while each library had its turn; peak and
bandwidth were measured before it began. On 1 thread a library had another core than it, and shared the memory with it alone. On as many
threads as cores it shared that core, too, about half of which is left: no library can reach the limit then, which counts all cores whole"""


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
    yield f"# Speed of nncore{' beside a busy neighbour' if results.busy else ''}"
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
    label = SECTIONS[finding.label].title if finding.label in SECTIONS else finding.label.capitalize()
    return f"- {label}: {finding.text}" + (f"; **{finding.bad}**" if finding.bad else "")
