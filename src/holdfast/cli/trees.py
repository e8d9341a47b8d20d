"""`-o tree` and `-o tree=detailed`: managed objects with their children (api.md §4.7).

KIND/NAME                      STATUS  HEALTH   MESSAGE
Deployment/web                 Synced  Healthy
└─ReplicaSet/web-6d4cf56db6            Healthy
  └─Pod/web-6d4cf56db6-x2vbn           Healthy
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from holdfast.cli.layouts import Tree, age, items, resource_states, table, text

_Key = tuple[str, str, str, str]


def render(app: Tree, tree: Any, now: datetime, detailed: bool) -> str:
    """Return the tree of an Application as a table."""
    nodes = items(tree, "nodes")
    children: dict[_Key, list[Tree]] = {}
    for node in nodes:
        for parent in items(node, "parentRefs"):
            children.setdefault(_key(parent), []).append(node)
    states = {state.key: state for state in resource_states(app)}
    rows: list[tuple[str, ...]] = []
    for root in sorted((node for node in nodes if not node.get("parentRefs")), key=_key):
        for prefix, node in _walk(root, children, "", ""):
            state = states.get(_key(node))
            status, message = (state.status, state.message) if state else ("", "")
            rows.append(_row(prefix, node, (status, message), now, detailed))
    header: tuple[str, ...] = ("KIND/NAME", "STATUS", "HEALTH", "MESSAGE")
    if detailed:
        header = ("KIND/NAME", "STATUS", "HEALTH", "AGE", "MESSAGE", "REASON")
    return table(header, rows)


def _row(
    prefix: str,
    node: Tree,
    state: tuple[str, str],
    now: datetime,
    detailed: bool,
) -> tuple[str, ...]:
    name = f"{prefix}{text(node, 'kind')}/{text(node, 'name')}"
    status, message = state
    health = text(node, "health", "status")
    message = message or text(node, "health", "message")
    if not detailed:
        return (name, status, health, message)
    reason = next(
        (text(i, "value") for i in items(node, "info") if i.get("name") == "Status Reason"), ""
    )
    return (name, status, health, age(node.get("createdAt"), now), message, reason)


def _walk(
    node: Tree, children: dict[_Key, list[Tree]], head: str, tail: str
) -> Iterator[tuple[str, Tree]]:
    yield head, node
    below = sorted(children.get(_key(node), ()), key=_key)
    for number, child in enumerate(below, start=1):
        is_last = number == len(below)
        branch, onward = ("└─", "  ") if is_last else ("├─", "│ ")
        yield from _walk(child, children, tail + branch, tail + onward)


def _key(item: Tree) -> _Key:
    return (text(item, "group"), text(item, "kind"), text(item, "namespace"), text(item, "name"))
