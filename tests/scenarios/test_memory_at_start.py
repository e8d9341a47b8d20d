"""How much memory `holdfast run` takes when it has just begun (the budget of issue 3: 70 MB)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.process import HoldfastProcess

if TYPE_CHECKING:
    from tests.support.plane import RealPlane

BUDGET_BYTES = 70_000_000
MARGIN = 0.95  # of another build of Python, another version of a library


def resident_bytes(pid: int) -> int:
    """What of a process is in memory, code that it shares with others included."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (found,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found) * 1024


def test_a_controller_that_has_just_begun_takes_less_than_70_mb(
    real_plane: RealPlane, tmp_path: Path
) -> None:
    """With its journal, its metrics and all its watches, and no Application yet."""
    began = HoldfastProcess.run(
        real_plane.kubeconfig, "memory-at-start", tmp_path / "data", "--metrics-listen",
        "127.0.0.1:0", is_fresh=True,
    )  # fmt: skip
    try:
        began.is_leading()
        began.wait_for(r"watching namespace=")
        taken = resident_bytes(began.process.pid)
        assert (tmp_path / "data" / "journal.db").exists()
        assert 20_000_000 < taken < BUDGET_BYTES * MARGIN
    finally:
        assert began.stop() == 0
