"""Print the table, keep the figures, compare ratios with those kept last."""

import json
import subprocess
from pathlib import Path
from typing import TextIO

from bench.api import Tree
from bench.budgets import Check, checks
from bench.heal import KINDS

RESULTS = Path(__file__).resolve().parent / "results"
# A ratio that grew by more than this, relative to the kept one, is told as worse.
TOLERANCE = 0.25
_COLUMNS = ("p50_ms", "p90_ms", "p99_ms", "max_ms")


def print_table(result: Tree) -> None:
    """Print every figure next to its bare limit."""
    print(f"\n{'time to heal':34}{'n':>6}" + "".join(f"{name:>10}" for name in _COLUMNS))
    for apps, size in result["sizes"].items():
        if "heal" in size:
            _print_heals(f"{apps} apps", size["heal"], (*KINDS, "all"))
        for which in ("without", "with") if "streams" in size else ():
            _print_heals(f"{apps} apps, {which} streams", size["streams"][which], ("all",))
    for name, load in (result.get("loads") or {}).items():
        if isinstance(load, dict):
            _print_heals(f"during {name.replace('_', ' ')}", load, ("delete",))
    print()
    for apps, size in result["sizes"].items():
        print_size(apps, size)
    loads = result.get("loads") or {}
    if "pod_updates" in loads:
        load, alone = loads["pod_updates"], loads["pod_updates"]["updates_alone"]
        print(
            f"{loads['applications']} apps: {load['updates_a_second']:g} pod status updates a "
            f"second and heals take {load['cpu_percent']:g} % of a core; "
            f"{alone['updates_a_second']:g} updates a second alone {alone['cpu_percent']:g} %, "
            f"heals alone {load['heals_alone_cpu_percent']:g} %"
        )


def print_checks(result: Tree) -> list[Check]:
    """Print every budget; return those that are missed."""
    found = checks(result)
    print(f"\n{'budget':42}{'measured':>10}{'limit':>10}")
    for check in found:
        word = "" if check.is_met else "   MISSED"
        print(f"{check.name:42}{check.value:>10g}{check.limit:>10g} {check.unit}{word}")
    return [check for check in found if not check.is_met]


def keep(result: Tree) -> Path:
    """Write the figures to bench/results."""
    RESULTS.mkdir(exist_ok=True)
    stamp = result["date"][:16].replace(":", "").replace("-", "")
    path = RESULTS / f"{stamp}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def find_committed() -> tuple[str, Tree] | None:
    """Return name and figures of the newest committed result of this form, if any."""
    root = RESULTS.parent.parent
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "bench/results"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in sorted(listed.stdout.split(), reverse=True):
        shown = subprocess.run(
            ["git", "-C", str(root), "show", f"HEAD:{name}"], capture_output=True, check=False
        )
        found = json.loads(shown.stdout) if shown.returncode == 0 else {}
        if "sizes" in found:
            return name, found
    return None


def compare(before: Tree, now: Tree) -> list[str]:
    """Print each ratio of two runs side by side; return those that got worse.

    Ratios to the bare limit, and shares of their budget, are compared; never seconds of two
    moments.
    """
    old = {check.name: check for check in checks(before)}
    worse = []
    print(f"{'ratio to the limit':42}{'before':>10}{'now':>10}")
    for check in checks(now):
        known = old.get(check.name)
        share = check.value / check.limit
        was = known.value / known.limit if known is not None else None
        is_worse = was is not None and share > was * (1 + TOLERANCE) and share > 0.5
        told = f"{was:>10.2f}" if was is not None else f"{'-':>10}"
        print(f"{check.name:42}{told}{share:>10.2f}{'   WORSE' if is_worse else ''}")
        if is_worse:
            worse.append(check.name)
    return worse


def _print_heals(label: str, heal: Tree, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        for who in ("bare", "ours"):
            row = heal[f"{who}_{kind}"]
            cells = "".join(f"{row[name]:>10.1f}" for name in _COLUMNS)
            print(f"{f'{label}: {kind}, {who}':34}{row['n']:>6}{cells}")


def print_size(apps: str, size: Tree, file: TextIO | None = None) -> None:
    """Print what is not about single heals, on one line."""
    parts = [f"{size['objects']} objects, first sync {size['first_sync_s']:g} s"]
    if "first_sync_cpu_s" in size:
        parts.append(f"CPU s of it: {_each(size['first_sync_cpu_s'])}")
    if "bare_apply_s" in size:
        parts.append(f"bare applies {size['bare_apply_s']:g} s")
    if "storm_s" in size:
        parts.append(f"storm {size['storm_s']:g} s, bare {size['storm_bare_s']:g} s")
    parts.append(
        f"memory idle {size['memory_idle_mb']:g}, steady {size['memory_steady_mb']:g}, "
        f"peak {size['memory_peak_mb']:g} MB"
    )
    if "memory_by_process_mb" in size:
        parts.append(f"steady MB: {_each(size['memory_by_process_mb'])}")
    if "rest" in size:
        rest = size["rest"]
        each = _each(rest["by_process_s_a_minute"])
        parts.append(f"CPU at rest {rest['percent']:g} %, seconds a minute: {each}")
    if "restart" in size:
        restart = size["restart"]
        parts.append(f"killed: healed {restart['healed_s']:g} s after its start")
        parts.append(f"calm after {restart['calm_s']:g} s with {restart['memory_mb']:g} MB")
    print(f"{apps} apps: " + "; ".join(parts), file=file)


def _each(by_process: Tree) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in by_process.items())
