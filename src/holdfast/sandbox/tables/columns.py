"""Columns of a table and the row of an object, for each kind.

`COLUMNS` holds one text for each resource: `Name[:type][*]`, `*` for those of `-o wide`.
`ROWS` holds the functions that make the cells. Kinds without a row show name and time.
"""

import datetime
from collections.abc import Callable

from holdfast.domain.manifest import JSON, Tree
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.tables import rows_core, rows_workloads
from holdfast.sandbox.tables.cells import age

Row = Callable[[Tree, datetime.datetime], list[JSON]]

COLUMNS: dict[tuple[str, str], str] = {**rows_core.COLUMNS, **rows_workloads.COLUMNS}
ROWS: dict[tuple[str, str], Row] = {**rows_core.ROWS, **rows_workloads.ROWS}

_DESCRIPTION = "See the API's documentation of this field."
_NAME = "Name must be unique within a namespace."


def definitions(resource: Resource) -> list[Tree]:
    """Return the column definitions of a resource."""
    if resource.custom:
        return _custom_definitions(resource)
    text = COLUMNS.get(resource.id)
    if text is None:
        return [_column("Name"), _column("Created At:date")]
    return [_column(item.strip()) for item in text.split(",")]


def cells(resource: Resource, tree: Tree, now: datetime.datetime) -> list[JSON]:
    """Return the cells of an object."""
    if resource.custom:
        return _custom_cells(resource, tree, now)
    row = ROWS.get(resource.id)
    if row is None:
        return [tree["metadata"]["name"], tree["metadata"].get("creationTimestamp")]
    return row(tree, now)


def _column(text: str) -> Tree:
    wide = text.endswith("*")
    name, _, kind = text.rstrip("*").partition(":")
    return {
        "name": name,
        "type": kind or "string",
        "format": "name" if name == "Name" else "",
        "description": _NAME if name == "Name" else _DESCRIPTION,
        "priority": 1 if wide else 0,
    }


def _custom_definitions(resource: Resource) -> list[Tree]:
    return [_column("Name"), *(_custom_column(row) for row in resource.columns)]


def _custom_column(row: Tree) -> Tree:
    return {
        "name": row["name"],
        "type": row["type"],
        "format": row.get("format", ""),
        "description": row.get("description")
        or f"Custom resource definition column (in JSONPath format): {row['jsonPath']}",
        "priority": row.get("priority", 0),
    }


def _custom_cells(resource: Resource, tree: Tree, now: datetime.datetime) -> list[JSON]:
    return [
        tree["metadata"]["name"],
        *(_custom_cell(row, tree, now) for row in resource.columns),
    ]


def _custom_cell(row: Tree, tree: Tree, now: datetime.datetime) -> JSON:
    values = json_path(tree, row["jsonPath"])
    if not values:
        return None
    if row["type"] == "date":
        return age({"metadata": {"creationTimestamp": values[0]}}, now)
    if row["type"] == "string":
        return ",".join(_text(value) for value in values)
    return values[0]


def _text(value: JSON) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def json_path(tree: JSON, path: str) -> list[JSON]:
    """Return the values at a simple JSON path: `.a.b[0].c`, `.a['x.y']`, `.a[?(@.t=="R")].s`."""
    found = [tree]
    for step in path_steps(path):
        found = [value for item in found for value in _step(item, step)]
    return [value for value in found if value is not None]


def path_steps(path: str) -> list[str]:
    """Split a JSON path into its steps."""
    steps: list[str] = []
    rest = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    while rest:
        if rest.startswith("["):
            end = _closing(rest)
            steps.append(rest[: end + 1])
            rest = rest[end + 1 :]
            continue
        rest = rest.removeprefix(".")
        end = 0
        while end < len(rest) and not (rest[end] in ".[" and not rest[:end].endswith("\\")):
            end += 1
        if end:
            steps.append(rest[:end].replace("\\.", "."))
        rest = rest[end:]
    return steps


def _closing(text: str) -> int:
    depth = 0
    for index, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if depth == 0:
            return index
    return len(text) - 1


def _step(item: JSON, step: str) -> list[JSON]:
    inner = step[1:-1].strip() if step.startswith("[") else ""
    if inner in {"", "*"} and step in {"*", "[*]"}:
        return list(item.values()) if isinstance(item, dict) else list(item or [])
    if isinstance(item, dict):
        name = inner[1:-1] if inner[:1] in {"'", '"'} else step
        return [item.get(name)]
    if isinstance(item, list) and inner.startswith("?("):
        return [value for value in item if _filter(value, inner[2:-1])]
    if (
        isinstance(item, list)
        and inner.lstrip("-").isdigit()
        and -len(item) <= int(inner) < len(item)
    ):
        return [item[int(inner)]]
    return []


def _filter(value: JSON, condition: str) -> bool:
    left, operator, right = condition.partition("==")
    found = json_path(value, left.strip().removeprefix("@"))
    if not operator:
        return bool(found)
    return bool(found) and _text(found[0]) == right.strip().strip("'\"")
