"""What the published site costs when a matrix is large: a real one is repeated until it has as many cells as asked for.

    python benchmarks/site.py [--of public] [--cells 100000]

Prints the seconds and the peak memory of `publish`; and, where Playwright and Chromium are there, what the first page
and that of operators take in a headless browser: compressed bytes of all that they load, milliseconds to the first
paint (their tables are there without scripts), to the first count by the script, and to each new count after a change
of a filter, layout included: on the clock, and of CPU. The machine's load stands beside them, since what the clock says
hangs on it.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from matrix.catalogue import ROOT
from matrix.dataset import Matrix, read, write
from matrix.publish import publish

CHROMIUM = shutil.which("chromium")
#: The pages that are counted again by their filters: {name: (its table, changes of the address)}.
PAGES = {
    "index": (
        "#heat",
        ("#family=layers", "#status=WRONG", "#find=conv", "#precision=float32&shapes=static", "#blame=runtime", "#"),
    ),
    "operators": (
        "#operators",
        ("#cases=models", "#cases=models&find=conv", "#cases=both", "#only=differ", "#shapes=static", "#opset=17", "#"),
    ),
}
#: How long a new count takes, from the change of the address until the browser could paint it. One chooses at leisure:
#: what the change before it left to be done is done by then.
FILTERING = """async ([table, hash]) => {
  await new Promise(resolve => setTimeout(resolve, 500));
  const begun = performance.now();
  performance.clearMarks("shown");
  location.hash = hash;
  while (!performance.getEntriesByName("shown").length) await new Promise(resolve => setTimeout(resolve));
  document.querySelector(table).getBoundingClientRect();
  return performance.now() - begun;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
COUNTED = "performance.getEntriesByName('shown')[0].startTime"


def enlarged(matrix: Matrix, cells: int) -> Matrix:
    """A matrix of so many cells: all rows again and again, in other environments of sources, then of targets."""
    copies = -(-cells // matrix.cells.height)
    of_sources = max(1, round(copies**0.5))
    of_targets = -(-copies // of_sources)
    exports = pl.concat([_moved(matrix.exports, "source", n) for n in range(of_sources)])
    rows = pl.concat(
        [
            _moved(_moved(matrix.cells, "source", n), "target", m)
            for n, m in list(_pairs(of_sources, of_targets))[:copies]
        ]
    )
    about = {
        **matrix.about,
        **{
            f"{kind}s": [_named(e, n) for n in range(times) for e in matrix.about[f"{kind}s"]]
            for kind, times in (("source", of_sources), ("target", of_targets))
        },
    }
    return Matrix(about, exports, rows.head(cells).rechunk())


def _pairs(wide: int, high: int) -> Iterator[tuple[int, int]]:
    return ((n, m) for m in range(high) for n in range(wide))


def _moved(rows: pl.DataFrame, column: str, number: int) -> pl.DataFrame:
    return rows.with_columns(pl.col(column) + f"-{number}") if number else rows


def _named(entry: dict[str, Any], number: int) -> dict[str, Any]:
    names = {name: f"{entry[name]}-{number}" for name in ("name", "environment")} if number else {}
    return {**entry, **names}


def _publish(matrix: Path, folder: Path) -> tuple[float, float, float]:
    """In a process of its own, whose memory is then known: seconds, seconds of CPU, and MB at the peak."""
    begun, used = time.perf_counter(), time.process_time()
    publish(read(matrix), folder)
    spent = time.perf_counter() - begun, time.process_time() - used
    return *spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_a_browser(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, (table, chosen) in PAGES.items():
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            print(f"{name}; load of the machine {os.getloadavg()[0]:.1f}")
            _first_load(page, folder / f"{name}.html")
            _filters(page, table, chosen)
            page.close()
        browser.close()


def _first_load(page: Any, place: Path) -> None:
    loaded: list[Path] = []
    page.on("request", lambda request: loaded.append(Path(request.url.removeprefix("file://"))))
    paints, counts = [], []
    for _ in range(3):
        loaded.clear()
        page.goto(f"file://{place}")
        page.wait_for_function("performance.getEntriesByName('shown').length > 0")
        paints.append(float(page.evaluate(PAINT)))
        counts.append(float(page.evaluate(COUNTED)))
    files = [path for path in loaded if path.is_file()]
    weight = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    print(f"  first load: {weight / 1024:.0f} KiB compressed, in {len(files)} files")
    print(f"  first paint: {statistics.median(paints):.0f} ms; counted: {statistics.median(counts):.0f} ms")


def _filters(page: Any, table: str, chosen: tuple[str, ...]) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    took, used = [], []
    for address in chosen * 3:
        before = _cpu(session)
        took.append((float(page.evaluate(FILTERING, [table, address])), address))
        used.append((sum(spent - before[name] for name, spent in _cpu(session).items()), address))
    for told, spent in (("on the clock", took), ("of CPU, for script, style and layout", used)):
        middle, (most, which) = statistics.median(each for each, _ in spent), max(spent)
        print(f"  a filter {told}: {middle:.0f} ms, the slowest of {len(spent)} {most:.0f} ms ({which})")


def _cpu(session: Any) -> dict[str, float]:
    """Milliseconds of CPU that the page's main thread has used until now."""
    told = {metric["name"]: 1000 * metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return {
        what: told[name]
        for what, name in (
            ("script", "ScriptDuration"),
            ("layout", "LayoutDuration"),
            ("style", "RecalcStyleDuration"),
        )
    }


def main() -> int:
    """Print the costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", type=Path, default=ROOT / "public", metavar="FOLDER", help="a published matrix")
    parser.add_argument("--cells", type=int, default=100_000, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        matrix = enlarged(read(options.of), options.cells)
        print(f"{matrix.cells.height} cells, {len(matrix.about['sources'])} sources,", end=" ")
        print(f"{len(matrix.about['targets'])} targets; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
        given, folder = Path(scratch, "given"), Path(scratch, "public")
        given.mkdir()
        write(matrix, given)
        del matrix
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
            seconds, cpu, memory = child.submit(_publish, given, folder).result()
        files = [path for path in folder.rglob("*") if path.is_file()]
        print(f"publish: {seconds:.1f} s ({cpu:.1f} s of CPU), {memory:.0f} MB at the peak;", end=" ")
        print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 2**20:.0f} MiB", flush=True)
        if CHROMIUM:
            _in_a_browser(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
