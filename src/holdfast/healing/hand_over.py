"""Give an object back to Argo CD: the way back of `take_over.follow_previous_managers` (A6).

Argo CD removes what git drops in one of two ways, and needs one thing for each:
  * by client-side apply, its default: the annotation last-applied says what was declared before;
  * by server-side apply: its own managedFields entry does.
So our entries become Argo CD's, and what we declared last, which our entry says field by field, is
written down in the annotation.
"""

from collections.abc import Iterable

from holdfast.domain.managers import ARGO_CD, HOLDFAST
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import FieldName, ListKey, decode_element, find_position
from holdfast.schema.field_set import FieldSet

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SEALED = "hmac-sha256:"


def find_our_entry(live: Manifest) -> Tree | None:
    """Return our Apply entry, whatever version of the object it speaks of; None: not ours."""
    for entry in live.managed_fields:
        is_ours = entry.get("manager") == HOLDFAST and entry.get("operation") == "Apply"
        if is_ours and not entry.get("subresource"):
            return dict(entry)
    return None


def handed_over(live: Manifest, operation: str) -> list[Tree]:
    """Return managedFields in which every entry of ours is Argo CD's.

    Args:
        live: The object as it stands.
        operation: `Update` for client-side apply, `Apply` for server-side apply.
    """
    kept: list[Tree] = []
    theirs: dict[str, Tree] = {}
    for entry in live.managed_fields:
        is_main = not entry.get("subresource")
        is_ours = entry.get("manager") == HOLDFAST and is_main
        is_theirs = entry.get("manager") == ARGO_CD and entry.get("operation") == operation
        if not is_ours and not (is_theirs and is_main):
            kept.append(dict(entry))
            continue
        version = str(entry.get("apiVersion") or "")
        before = theirs.get(version)
        fields = FieldSet.parse(entry.get("fieldsV1") or {})
        if before is not None:
            fields = fields | FieldSet.parse(before["fieldsV1"])
        theirs[version] = {
            **entry,
            "manager": ARGO_CD,
            "operation": operation,
            "fieldsV1": fields.to_json(),
        }
    return [*theirs.values(), *kept]


def last_applied(live: Manifest, entry: Tree) -> Tree:
    """Return what we declared last: the live object at the fields of our entry.

    The values of a Secret are left out (each key stays): an annotation is plain to read, and
    only the names matter for a removal.

    Args:
        live: In the version of the entry.
        entry: From `find_our_entry`.
    """
    fields = FieldSet.parse(entry.get("fieldsV1") or {})
    others = [
        FieldSet.parse(other.get("fieldsV1") or {})
        for other in live.managed_fields
        if other.get("manager") != HOLDFAST and not other.get("subresource")
    ]
    found = _extracted(fields, live.tree, others)
    tree: Tree = dict(found) if isinstance(found, dict) else {}
    metadata = dict(tree.get("metadata") or {})
    metadata["name"] = live.name
    if live.namespace:
        metadata["namespace"] = live.namespace
    if isinstance(metadata.get("annotations"), dict):
        annotations = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
        metadata["annotations"] = annotations
    return {**tree, "apiVersion": live.api_version, "kind": live.kind, "metadata": metadata}


def _extracted(node: FieldSet, value: JSON, others: Iterable[FieldSet]) -> JSON:
    if not node.children:
        return _whole(value, others)
    if isinstance(value, dict):
        return {
            element.name: _extracted(child, value[element.name], _below(others, text))
            for text, child in node.children.items()
            if isinstance(element := decode_element(text), FieldName) and element.name in value
        }
    if isinstance(value, list):
        return _items(node, value, others)
    return _unsealed(value)


def _items(node: FieldSet, items: list[JSON], others: Iterable[FieldSet]) -> list[JSON]:
    """Return the items that are ours, in the order in which they stand."""
    found: dict[int, JSON] = {}
    for text, child in node.children.items():
        element = decode_element(text)
        place = find_position(items, element)
        if place is None:
            continue
        mine = _extracted(child, items[place], _below(others, text))
        if isinstance(element, ListKey) and isinstance(mine, dict):
            # Default keys, such as a port's protocol, are the server's and name the item.
            keys = {name: items[place][name] for name, _ in element.fields if name in items[place]}
            mine = {**keys, **mine}
        found[place] = mine
    return [found[place] for place in sorted(found)]


def _whole(value: JSON, others: Iterable[FieldSet]) -> JSON:
    """Return a leaf. What others put into an empty map of ours is theirs."""
    if isinstance(value, dict | list) and any(other.children for other in others):
        return type(value)()
    return _unsealed(value)


def _unsealed(value: JSON) -> JSON:
    return "" if isinstance(value, str) and value.startswith(_SEALED) else value


def _below(others: Iterable[FieldSet], element: str) -> list[FieldSet]:
    return [other.children[element] for other in others if element in other.children]
