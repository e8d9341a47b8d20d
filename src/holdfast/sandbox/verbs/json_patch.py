"""JSON patch (RFC 6902) on trees."""

import copy
import logging

from holdfast.domain.manifest import JSON
from holdfast.sandbox.statuses import StatusError, bad_request

log = logging.getLogger(__name__)

# The real server's limit.
MAX_OPERATIONS = 10_000


def json_patch(target: JSON, operations: JSON) -> JSON:
    """Return `target` with the operations applied in their order.

    Raises:
        StatusError: 400, no list of operations; 422, an operation or test fails.
    """
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type "
            "[]handlers.jsonPatchOp"
        )
    if len(operations) > MAX_OPERATIONS:
        words = (
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, "
            f"got {len(operations)}"
        )
        raise StatusError(413, "RequestEntityTooLarge", words)
    tree = copy.deepcopy(target)
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request("error decoding patch: an operation is not an object")
        tree = _carry_out(tree, operation)
    return tree


def _carry_out(tree: JSON, operation: dict[str, JSON]) -> JSON:
    name, path = operation.get("op"), str(operation.get("path", ""))
    match name:
        case "add":
            return _add(tree, path, copy.deepcopy(operation.get("value")))
        case "remove":
            _find(tree, path, name)
            return _remove(tree, path)
        case "replace":
            _find(tree, path, name)
            return _replace(tree, path, copy.deepcopy(operation.get("value")))
        case "test":
            _test(tree, path, operation.get("value"))
            return tree
        case "move" | "copy":
            source = str(operation.get("from", ""))
            value = copy.deepcopy(_find(tree, source, name))
            if name == "move":
                tree = _remove(tree, source)
            return _add(tree, path, value)
        case _:
            raise _refused(f"Unexpected kind: {name}")


def _refused(detail: str) -> StatusError:
    """422 in the server's words, which do not say what went wrong; the log does."""
    log.debug("a JSON patch was refused: %s", detail)
    message = "the server rejected our request due to an error in our request"
    return StatusError(422, "Invalid", message, {})


def _steps(path: str) -> list[str]:
    if not path:
        return []
    if not path.startswith("/"):
        raise _refused(f"invalid path: {path}")
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _child(here: JSON, step: str) -> JSON:
    if isinstance(here, dict):
        return here[step]
    if isinstance(here, list):
        return here[_index(step, len(here))]
    raise KeyError(step)


def _index(step: str, length: int) -> int:
    index = int(step)
    if not -length <= index < length:
        raise IndexError(step)
    return index


def _find(tree: JSON, path: str, operation: str) -> JSON:
    try:
        here = tree
        for step in _steps(path):
            here = _child(here, step)
    except (KeyError, ValueError, IndexError) as error:
        raise _missing(operation, path) from error
    return here


def _missing(operation: str, path: str) -> StatusError:
    return _refused(f"{operation} operation does not apply: doc is missing path: {path}")


def _parent(tree: JSON, path: str, operation: str) -> tuple[JSON, str]:
    *above, last = _steps(path)
    here = tree
    try:
        for step in above:
            here = _child(here, step)
    except (KeyError, ValueError, IndexError) as error:
        raise _missing(operation, path) from error
    if not isinstance(here, dict | list):
        raise _missing(operation, path)
    return here, last


def _add(tree: JSON, path: str, value: JSON) -> JSON:
    if not path:
        return value
    parent, last = _parent(tree, path, "add")
    if isinstance(parent, dict):
        parent[last] = value
        return tree
    try:
        index = len(parent) if last == "-" else int(last)
    except ValueError as error:
        raise _missing("add", path) from error
    if not 0 <= index <= len(parent):
        raise _missing("add", path)
    parent.insert(index, value)
    return tree


def _remove(tree: JSON, path: str) -> JSON:
    if not path:
        return None
    parent, last = _parent(tree, path, "remove")
    if isinstance(parent, dict):
        del parent[last]
    else:
        del parent[_index(last, len(parent))]
    return tree


def _replace(tree: JSON, path: str, value: JSON) -> JSON:
    if not path:
        return value
    parent, last = _parent(tree, path, "replace")
    if isinstance(parent, dict):
        parent[last] = value
    else:
        parent[_index(last, len(parent))] = value
    return tree


def _test(tree: JSON, path: str, value: JSON) -> None:
    try:
        found = _find(tree, path, "test")
    except StatusError:
        if value is None:
            return
        raise
    if found != value or isinstance(found, bool) != isinstance(value, bool):
        raise _refused(f"testing path {path} failed: test failed")
