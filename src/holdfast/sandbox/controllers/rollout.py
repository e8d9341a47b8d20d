"""How far a rolling update may go in one step: pure arithmetic.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment
"""

import math
from dataclasses import dataclass

from holdfast.domain.manifest import JSON


def scaled(value: JSON, total: int, *, up: bool) -> int:
    """Return an absolute number from a number or a percentage of `total`."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value or 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a rolling update.

    Attributes:
        replicas: Pods that are wanted.
        surge: Pods that may be there besides.
        unavailable: Pods that may be missing.
    """

    replicas: int
    surge: int
    unavailable: int

    @classmethod
    def of(cls, replicas: int, surge: JSON, unavailable: JSON) -> "Limits":
        """Resolve percentages; both bounds can't be 0, else nothing would move."""
        above = scaled(surge, replicas, up=True)
        below = scaled(unavailable, replicas, up=False)
        if above == 0 and below == 0:
            below = 1
        return cls(replicas, above, below)


def grow_to(limits: Limits, new: int, total: int) -> int:
    """Return the size of the new set, given the pods of all sets together."""
    if new >= limits.replicas:
        return limits.replicas
    room = limits.replicas + limits.surge - total
    return min(limits.replicas, new + max(room, 0))


def may_remove(limits: Limits, total: int, new: int, new_available: int) -> int:
    """Return how many pods of old sets may go, ready or not."""
    least = limits.replicas - limits.unavailable
    return max(0, total - least - (new - new_available))
