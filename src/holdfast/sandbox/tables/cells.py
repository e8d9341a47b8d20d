"""Small texts for the cells of a table: ages, lists of containers, selectors."""

import datetime
from collections.abc import Mapping, Sequence

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.plane import parse_time

NONE = "<none>"


def human_duration(seconds: float) -> str:
    """Return a duration as kubectl shows it: two digits of meaning, `3m20s`, `5h`, `12d`.

    Source: k8s.io/apimachinery duration.HumanDuration (its steps, not its code).
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    steps = (
        (whole < 120, f"{whole}s"),
        (minutes < 10, _two(minutes, "m", whole % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _two(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _two(days, "d", hours % 24, "h")),
        (days < 730, f"{days}d"),
        (days < 2920, _two(days // 365, "y", days % 365, "d")),
    )
    return next((text for fits, text in steps if fits), f"{days // 365}y")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def age(tree: Tree, now: datetime.datetime) -> str:
    """Return the age of an object."""
    return since(tree["metadata"].get("creationTimestamp"), now)


def since(moment: JSON, now: datetime.datetime) -> str:
    """Return how long ago a time was; `<unknown>` when there is none."""
    if not isinstance(moment, str) or not moment:
        return "<unknown>"
    try:
        return human_duration((now - parse_time(moment)).total_seconds())
    except ValueError:
        return "<invalid>"


def at(tree: JSON, *path: str) -> JSON:
    """Return the value at a path of keys, or None."""
    for step in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(step)
    return tree


def number(tree: JSON, *path: str) -> int:
    """Return the number at a path, 0 when there is none."""
    value = at(tree, *path)
    return value if isinstance(value, int) else 0


def containers(spec: JSON) -> tuple[str, str]:
    """Return names and images of the containers of a pod spec."""
    rows = (spec or {}).get("containers") or []
    names = ",".join(str(row.get("name", "")) for row in rows)
    return names, ",".join(str(row.get("image", "")) for row in rows)


def pairs(labels: JSON) -> str:
    """Return `a=b,c=d`, sorted; `<none>` when empty."""
    if not labels:
        return NONE
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels))


def selector_text(selector: Mapping[str, JSON] | None) -> str:
    """Return a label selector in the short form."""
    if not selector:
        return NONE
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for row in selector.get("matchExpressions") or []:
        key, values = row.get("key"), ",".join(sorted(row.get("values") or []))
        terms.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": f"{key}",
                "DoesNotExist": f"!{key}",
            }.get(str(row.get("operator")), str(key))
        )
    return ",".join(terms) or NONE


def join_some(items: Sequence[str], most: int = 3) -> str:
    """Return at most three items and how many more there are."""
    if len(items) <= most:
        return ",".join(items)
    return ",".join(items[:most]) + f" + {len(items) - most} more..."
