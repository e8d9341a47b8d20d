"""`fields=`: which parts of an answer a client wants (docs/internals/argocd/api.md §1.4).

`fields=a.b,c` keeps those paths, `fields=-a.b,c` leaves them out; a list on the way is passed
through, so that `items.metadata.name` names a field of every item.
"""

from holdfast.domain.manifest import JSON

_Wanted = dict[str, "_Wanted"]


def project(tree: JSON, fields: str) -> JSON:
    """Return what `fields` leaves of a tree; all of it when `fields` is empty."""
    text = fields.strip()
    if not text:
        return tree
    excludes = text.startswith("-")
    paths = [path for path in text.removeprefix("-").split(",") if path]
    wanted: _Wanted = {}
    for path in paths:
        node = wanted
        for part in path.strip().split("."):
            node = node.setdefault(part, {})
    return _without(tree, wanted) if excludes else _only(tree, wanted)


def _only(tree: JSON, wanted: _Wanted) -> JSON:
    if not wanted:
        return tree
    if isinstance(tree, list):
        return [_only(item, wanted) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {key: _only(tree[key], below) for key, below in wanted.items() if key in tree}


def _without(tree: JSON, unwanted: _Wanted) -> JSON:
    if isinstance(tree, list):
        return [_without(item, unwanted) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        key: _without(value, unwanted[key]) if unwanted.get(key) else value
        for key, value in tree.items()
        if key not in unwanted or unwanted[key]
    }
