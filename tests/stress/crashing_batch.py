"""What crashes cost: a batch in which every tenth cell crashes its process, against ten batches in which none does.

    python tests/stress/crashing_batch.py [--cells 1000] [--rounds 3] [--short]

Each crash is tried again in a fresh process, so it costs two starts; what these take (from the start of the process to
the end of its import, as measured in this very batch) is taken off. The rest must be at most 1.5 times what ten clean
batches of as many cells together take. Exit code 1 when the median of the rounds is more.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "matrix"))

from fakery import LIMITS, fake_batch, importer_jobs

from matrix.batch import run_batch
from matrix.process import Result

ALLOWED = 1.5
EVERY = 10
BATCHES = 10


@dataclass(frozen=True)
class Cost:
    """Seconds of a batch, and the seconds in which each of its processes started."""

    seconds: float
    starts: list[float]


def cost(options: list[str], statuses: set[str]) -> Cost:
    """Run one job for each option with one worker; RuntimeError when any ends otherwise than as one of `statuses`."""
    with tempfile.TemporaryDirectory() as place:
        batch, told = fake_batch(importer_jobs(Path(place), *options)), list[Result]()
        begun = time.perf_counter()
        run_batch(batch, LIMITS, lambda job, result: told.append(result), threading.Event())
        seconds = time.perf_counter() - begun
    if len(told) != len(options) or {result.status for result in told} != statuses:
        raise RuntimeError(f"{len(told)} of {len(options)} cells ended as { {result.status for result in told} }")
    # Every process has told something: one that crashed at its first job was that job's second and last try.
    hellos = {id(result.worker): result.worker for result in told}
    return Cost(seconds, [hello["start_seconds"] for hello in hellos.values()])


def measured(cells: int) -> float:
    """Run both, print what they took; how many times the clean batches the crashing one took."""
    clean = [cost(["right"] * (cells // BATCHES), {"OK"}) for _ in range(BATCHES // 2)]
    crashing = cost((["right"] * (EVERY - 1) + ["segfault"]) * (cells // EVERY), {"OK", "CRASH"})
    # Half of them before and half after, since the machine may have become slower or faster meanwhile.
    clean += [cost(["right"] * (cells // BATCHES), {"OK"}) for _ in range(BATCHES // 2)]
    whole, restarts = sum(c.seconds for c in clean), crashing.starts[1:]
    wanted = 2 * (cells // EVERY) - 1
    if len(restarts) != wanted:
        raise RuntimeError(f"{len(restarts)} restarts were told of, not {wanted}")
    rest = crashing.seconds - sum(restarts)
    clean_starts = sum(c.starts[0] for c in clean)
    death = (rest - crashing.starts[0] - (whole - clean_starts)) / len(restarts)
    print(
        f"{BATCHES} clean batches {whole:.2f} s, of which starts {clean_starts:.2f} s; "
        f"crashing batch {crashing.seconds:.2f} s, {len(restarts)} restarts {sum(restarts):.2f} s; "
        f"without these {rest:.2f} s, {rest / whole:.2f} x; {1000 * death:.1f} ms for each death beside the start"
    )
    return rest / whole


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="100 cells, once; a ratio of so few fails nothing")
    options = parser.parse_args()
    cells, rounds = (100, 1) if options.short else (options.cells, options.rounds)
    ratio = statistics.median(measured(cells) for _ in range(rounds))
    print(f"{cells} cells, every tenth crashing: median {ratio:.2f} x, {ALLOWED} x allowed")
    return int(ratio > ALLOWED and not options.short)


if __name__ == "__main__":
    sys.exit(main())
