"""`python -m bench`: measure, print a table, keep the figures, fail when a budget is missed.

Everything runs on real control planes of its own, next to the bare limit of the same run. What is
measured, and how to read it: docs/internals/benchmarks.md.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.api import Tree
from bench.parts import measure_size
from bench.report import compare, find_committed, keep, print_checks, print_size, print_table

SIZES = (1, 50, 200, 1000)
PARTS = ("sync", "heal", "storm", "cpu", "restart", "loads", "streams")
# What each size is measured for by default; anything can be asked for with --only. Loads are for
# the largest alone: the figures of the issue are for 1,000 Applications.
_SHORT = {1: {"heal"}, 50: {"heal"}}
_WITH_STREAMS = 200


def main() -> int:
    """Run the benchmark; 1 when a budget is missed, or with --compare when a ratio got worse."""
    options = _options()
    if options.compare:
        return _compare(options.compare)
    # What was started must end with us, also when somebody ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    result: Tree = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "sizes": {},
    }
    for apps in options.apps:
        wanted = _wanted(apps, options)
        print(f"measuring {apps} applications: {', '.join(sorted(wanted))}", file=sys.stderr)
        size = asyncio.run(measure_size(apps, options.rounds, wanted))
        if "loads" in size:
            result["loads"] = size.pop("loads")
        result["sizes"][str(apps)] = size
        print_size(str(apps), size, file=sys.stderr)
    result["load_average"] = round(os.getloadavg()[1], 1)
    result["took_s"] = round(time.monotonic() - began)
    print_table(result)
    missed = print_checks(result)
    if not options.no_save and not options.only and tuple(options.apps) == SIZES:
        print(f"\nkept in {keep(result)} after {result['took_s']} s")
    for check in missed:
        print(f"budget missed: {check.name}", file=sys.stderr)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--apps", type=int, nargs="+", default=list(SIZES), help="series to run (1 50 200 1000)"
    )
    parser.add_argument("--rounds", type=int, default=200, help="heals of each kind (200)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], help="parts to run (all)")
    parser.add_argument("--no-save", action="store_true", help="leave bench/results alone")
    parser.add_argument(
        "--compare",
        nargs="?",
        const="",
        metavar="FILE",
        help="measure nothing: compare the newest kept result with the last committed one",
    )
    options = parser.parse_args()
    if options.compare == "":
        kept = sorted((Path(__file__).parent / "results").glob("*.json"))
        options.compare = str(kept[-1]) if kept else None
    return options


def _wanted(apps: int, options: argparse.Namespace) -> set[str]:
    """Return the parts to measure; loads, unless asked for alone, at the largest size."""
    wanted = set(options.only) or set(_SHORT.get(apps, PARTS))
    if apps != _WITH_STREAMS and not options.only:
        wanted -= {"streams"}
    return wanted if apps == max(options.apps) else wanted - {"loads"}


def _compare(newest: str) -> int:
    found = find_committed()
    if found is None:
        print("no result of this form has been committed yet", file=sys.stderr)
        return 1
    name, before = found
    print(f"before: {name}\nnow:    {newest}\n")
    worse = compare(before, json.loads(Path(newest).read_text()))
    return 1 if worse else 0


def _versions() -> Tree:
    from importlib.metadata import version

    from tools import control_plane

    programs = control_plane.find(os.environ)
    return {
        "holdfast": version("holdfast"),
        "python": platform.python_version(),
        "aiohttp": version("aiohttp"),
        "uvloop": version("uvloop"),
        "control_plane": programs.name if programs is not None else "",
        "cores": os.cpu_count(),
        "machine": platform.machine(),
    }


if __name__ == "__main__":
    sys.exit(main())
