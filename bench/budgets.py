"""What Holdfast must reach (DESIGN §7, issue 4): limits next to the bare figure of the same run."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.api import Tree
from bench.heal import KINDS

HEAL_P50 = 3.0
FIRST_SYNC = 2.5
SLOPE_KB = 1.5
STREAMED = 1.5
# Applications -> (floor of the p99 budget in ms, its factor, storm in s, memory in MB)
_SIZES = {
    50: (50.0, 3.0, None, None),
    200: (50.0, 3.0, 2.0, 200.0),
    1000: (100.0, 4.0, 8.0, 400.0),
}
# The limits of storms are absolute on a machine that is as fast as the one they were set for: two
# cores, 16 applies in flight at 5 ms each, 200 deletions and applies by the bare loop in 1.0 s.
# Where the bare storm of the same run is slower, ours may take as much longer.
_QUIET_BARE_STORM_S = {200: 1.0, 1000: 5.0}


@dataclass(frozen=True)
class Check:
    """One budget: a measured value and the most it may be."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit


def checks(result: Tree) -> list[Check]:
    """Return every budget that the figures of a run allow to check."""
    found = [check for size in result["sizes"].values() for check in _of_size(size)]
    found.extend(_slope(result["sizes"]))
    for name, load in (result.get("loads") or {}).items():
        if isinstance(load, dict):
            found.append(_p99(f"heal p99 during {name.replace('_', ' ')}", load, 100.0, 4.0))
    return found


def _of_size(size: Tree) -> Iterator[Check]:
    apps = size["applications"]
    floor, factor, storm_s, memory_mb = _SIZES.get(apps, (50.0, 3.0, None, None))
    heal = size.get("heal")
    if heal:
        for kind in KINDS:
            ratio = heal[f"ours_{kind}"]["p50_ms"] / heal[f"bare_{kind}"]["p50_ms"]
            yield Check(f"{apps} apps: {kind} p50", round(ratio, 2), HEAL_P50, "x bare")
        yield _p99(f"{apps} apps: heal p99", heal, floor, factor)
    if "streams" in size:
        looked_at = size["streams"]
        ratio = looked_at["with"]["ours_all"]["p99_ms"] / looked_at["without"]["ours_all"]["p99_ms"]
        name = f"{apps} apps: heal p99 with {looked_at['streams']} streams"
        yield Check(name, round(ratio, 2), STREAMED, "x without")
    if "storm_s" in size and storm_s is not None:
        slower = max(1.0, size["storm_bare_s"] / _QUIET_BARE_STORM_S[apps])
        yield Check(f"{apps} apps: storm", size["storm_s"], round(storm_s * slower, 2), "s")
    if "bare_apply_s" in size:
        ratio = size["first_sync_s"] / size["bare_apply_s"]
        yield Check(f"{apps} apps: first sync", round(ratio, 2), FIRST_SYNC, "x bare")
    if memory_mb is not None:
        yield Check(f"{apps} apps: memory, steady", size["memory_steady_mb"], memory_mb, "MB")


def _slope(sizes: Tree) -> Iterator[Check]:
    small, large = sizes.get("200"), sizes.get("1000")
    if small and large:
        grown = (large["memory_steady_mb"] - small["memory_steady_mb"]) * 1024
        kb = grown / (large["objects"] - small["objects"])
        yield Check("memory for each managed object", round(kb, 2), SLOPE_KB, "KB")


def _p99(name: str, heal: Tree, floor_ms: float, factor: float) -> Check:
    limit = max(floor_ms, factor * heal["bare_all"]["p99_ms"])
    return Check(name, heal["ours_all"]["p99_ms"], round(limit, 1), "ms")
