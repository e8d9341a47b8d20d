"""ControllerRevisions: the history of StatefulSets and DaemonSets, for rollout history and undo."""

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import Access, owner_reference, value
from holdfast.sandbox.controllers.deployments import template_hash
from holdfast.sandbox.kinds.resource import ResourceId

REVISIONS = ResourceId("apps", "controllerrevisions")
HASH_LABEL = "controller-revision-hash"


def present_revision(access: Access, owner: Tree) -> Tree:
    """Return the revision of the present template, made when it is new.

    A template that was there before makes its old revision the newest again.
    """
    template = value(owner, "spec", "template", default={})
    data = {"spec": {"template": {**template, "$patch": "replace"}}}
    known = access.owned(owner, REVISIONS)
    newest = max((row.get("revision", 0) for row in known), default=0)
    wanted = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    for row in known:
        if orjson.dumps(row.get("data"), option=orjson.OPT_SORT_KEYS) == wanted:
            if row["revision"] < newest:
                return access.update(
                    REVISIONS, {**row, "revision": newest + 1, "metadata": dict(row["metadata"])}
                )
            return row
    metadata = owner["metadata"]
    short = template_hash(template)
    label = HASH_LABEL if owner["kind"] == "DaemonSet" else "controller.kubernetes.io/hash"
    labels = {**(value(template, "metadata", "labels") or {}), label: short}
    made: Tree = {
        "name": f"{metadata['name']}-{short}",
        "labels": labels,
        "ownerReferences": [owner_reference(owner)],
    }
    if metadata.get("annotations"):
        made["annotations"] = dict(metadata["annotations"])
    tree: Tree = {"metadata": made, "data": data, "revision": newest + 1}
    return access.create(REVISIONS, metadata["namespace"], tree)


def forget_old(access: Access, owner: Tree, used: set[str]) -> None:
    """Delete revisions beyond the limit that no pod carries."""
    limit = int(value(owner, "spec", "revisionHistoryLimit", default=10))
    idle = [row for row in access.owned(owner, REVISIONS) if row["metadata"]["name"] not in used]
    idle.sort(key=lambda row: int(row.get("revision", 0)))
    for row in idle[: max(0, len(idle) - limit)]:
        access.delete(REVISIONS, row)
