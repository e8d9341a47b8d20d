"""Health of objects and Applications (controller.md §5.1)."""

from dataclasses import dataclass
from enum import StrEnum


class HealthCode(StrEnum):
    """The six codes, best first."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"

    @property
    def rank(self) -> int:
        """0 for the best; a higher rank is worse."""
        return _ORDER[self]

    def is_worse_than(self, other: "HealthCode") -> bool:
        """Whether this code is strictly worse."""
        return self.rank > other.rank


_ORDER = {code: rank for rank, code in enumerate(HealthCode)}


@dataclass(frozen=True, slots=True)
class Health:
    """Health of one object; an object without health has None in its place."""

    code: HealthCode
    message: str = ""
