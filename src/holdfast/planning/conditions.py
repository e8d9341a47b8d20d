"""How `status.conditions` changes (controller.md §8.1)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.manifest import JSON, Tree
from holdfast.planning.times import format_time


def replace_conditions(
    current: Iterable[Mapping[str, JSON]],
    evaluated: frozenset[ConditionType],
    found: Iterable[Condition],
    now: datetime,
) -> list[Tree]:
    """Return the new `status.conditions`.

    Conditions of the evaluated types are replaced by what was found; all others stay. One that was
    there before with the same message keeps its time.

    Args:
        current: `status.conditions` as it stands.
        evaluated: The types that were looked at.
        found: What was found, of those types alone.
        now: Time of new conditions.
    """
    old = [dict(condition) for condition in current]
    times = {
        (item.get("type"), item.get("message")): item.get("lastTransitionTime") for item in old
    }
    kept = [item for item in old if item.get("type") not in evaluated]
    for condition in dict.fromkeys(found):
        time = times.get((condition.type.value, condition.message)) or format_time(now)
        kept.append(
            {
                "type": condition.type.value,
                "message": condition.message,
                "lastTransitionTime": time,
            }
        )
    return sorted(
        kept,
        key=lambda item: (
            str(item.get("type")),
            str(item.get("message")),
            str(item.get("lastTransitionTime")),
        ),
    )
