"""Status conditions: set one, and keep the time of its last transition while it stays."""

from holdfast.domain.manifest import Tree


def find_condition(conditions: list[Tree] | None, kind: str) -> Tree | None:
    """Return a condition, or None."""
    return next((row for row in conditions or () if row.get("type") == kind), None)


def is_true(conditions: list[Tree] | None, kind: str) -> bool:
    """Whether a condition is there and true."""
    row = find_condition(conditions, kind)
    return row is not None and row.get("status") == "True"


def set_condition(conditions: list[Tree] | None, row: Tree, now: str) -> list[Tree]:
    """Return the conditions with one set.

    Args:
        conditions: The present ones.
        row: type, status, reason, message.
        now: The time of a transition.
    """
    found: list[Tree] = []
    known = False
    for old in conditions or ():
        if old.get("type") != row["type"]:
            found.append(old)
            continue
        known = True
        same = old.get("status") == row["status"]
        moved = old.get("lastTransitionTime") if same else now
        found.append({**row, "lastTransitionTime": moved or now})
    return found if known else [*found, {**row, "lastTransitionTime": now}]
