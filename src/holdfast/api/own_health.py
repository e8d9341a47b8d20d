"""What the page tells of Holdfast itself beside what the cluster says: the controller's numbers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OwnNumbers:
    """Numbers of the controller's process, at one moment.

    Attributes:
        queue: Applications that wait to be compared or synced.
        heals: So many were healed since the process began.
        heal_p50_s, heal_p99_s: Of the time to heal; None before the first heal. The upper bound
            of the bucket that holds it, straight between its bounds.
        watch_lag_s: Since the quietest watch heard from the cluster.
        drift_open: Objects that are not what was applied.
        journal_written, journal_dropped: Rows since the process began.
        journal_bytes: Size of the journal's file; None where it is no file.
        objects: Objects that are known of the cluster.
    """

    queue: int = 0
    heals: int = 0
    heal_p50_s: float | None = None
    heal_p99_s: float | None = None
    watch_lag_s: float = 0.0
    drift_open: int = 0
    journal_written: int = 0
    journal_dropped: int = 0
    journal_bytes: int | None = None
    objects: int = 0


class OwnHealth(Protocol):
    """Asks the controller of this machine."""

    async def read(self) -> OwnNumbers | None:
        """Return its numbers; None when it does not answer in time."""
        ...
