#!/usr/bin/env python3
"""Look for bytes that break a reader: coverage-guided fuzzing of what `tests/fuzz/targets.py` promises.

``tools/fuzz_readers.py --seconds 600`` fuzzes each target in a process of its own. It needs the dependency group ``trust``.
What it found interesting stays in ``build/fuzz/<target>``, where the next run begins. A file that breaks a promise is kept
there as ``crash-...``, ``oom-...`` or ``timeout-...``; ``tools/fuzz_readers.py --replay FILE load`` shows what it does.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "build" / "fuzz"

MOST_MEGABYTES = 2_048  # a reader that takes more for a small file has broken its promise
MOST_SECONDS = 10  # so has one that takes longer
LONGEST = 65_536  # bytes of a file

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def fuzz(name: str, seconds: int) -> None:
    """Fuzz in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["nncore"]):
        from fuzz.targets import TARGETS
    target, folder = TARGETS[name], CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(target.seeds()):
        (folder / f"seed-{i}").write_bytes(seed)

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        changed = target.mutate(data, rng) if rng.random() < 0.5 else atheris.Mutate(data, most)
        return bytes(changed[:most])

    limits = [
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-timeout={MOST_SECONDS}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}/",
        f"-max_total_time={seconds}",
    ]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", str(folder)], target.check, custom_mutator=mutated)
    atheris.Fuzz()


def replay(name: str, paths: list[Path]) -> int:
    """Run a target on files, without atheris; returns how many were read and not refused."""
    from fuzz.targets import TARGETS

    return sum(TARGETS[name].check(path.read_bytes()) for path in paths)


def lines_reached(name: str) -> str:
    """Part of the lines of the code that the corpus reaches."""
    from fuzz.targets import TARGETS

    data = CORPUS / f"{name}.coverage"
    base = [sys.executable, "-m", "coverage"]
    command = [
        *base,
        "run",
        f"--data-file={data}",
        f"--include={','.join(TARGETS[name].code)}",
        __file__,
        "--replay",
        str(CORPUS / name),
        name,
    ]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    report = [*base, "report", f"--data-file={data}", "--format=total"]
    return subprocess.run(report, check=True, cwd=ROOT, capture_output=True, text=True).stdout.strip() + " %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="of tests/fuzz/targets.py; all by default")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a target on a file, or on the files of a folder")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        fuzz(options.targets[0], options.seconds)
    from fuzz.targets import TARGETS

    names = options.targets or list(TARGETS)
    if unknown := sorted(set(names) - set(TARGETS)):
        parser.error(f"there is no target {unknown[0]}: take {', '.join(TARGETS)}")
    if options.replay:
        paths = sorted(path for path in options.replay.iterdir() if path.is_file()) if options.replay.is_dir() else [options.replay]
        n_read = sum(replay(name, paths) for name in names)
        print(f"{n_read} of {len(paths)} were read, the others refused")
        return 0
    n_broken = 0
    for name in names:
        command = [sys.executable, __file__, "--here", "--seconds", str(options.seconds), name]
        run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        runs = re.search(r"number_of_executed_units: (\d+)", run.stderr)
        if run.returncode or not runs:
            n_broken += 1
            print(f"{name}: BROKEN\n{run.stderr[-6_000:]}{run.stdout[-2_000:]}")
            continue
        n_files = len(list((CORPUS / name).iterdir()))
        print(
            f"{name}: {int(runs[1]):,} files, none broke a promise; {n_files:,} of them reach {lines_reached(name)} of the reader's lines"
        )
    return min(n_broken, 1)


if __name__ == "__main__":
    sys.exit(main())
