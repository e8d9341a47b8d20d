"""A change as a patch for kustomize: where the object is declared in a base that others share.

A strategic merge patch where kustomize knows how the kind's lists merge, else a JSON patch
(RFC 6902). Names are those the object has when the overlay's patches run: after the transformers
of its bases, before the overlay's own (docs/internals/argocd/controller.md §3.6).
"""

import re
from collections.abc import Iterable, Sequence

from holdfast.adopting.edit_tree import Change, value_at, with_value
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.schema.field_path import FieldName, ListKey, Path, find_pointer
from holdfast.schema.projection import MISSING

_TRANSFORMED = {
    "replicas": ("spec", "replicas"),
    "commonLabels": ("labels",),
    "labels": ("labels",),
    "commonAnnotations": ("annotations",),
}


def find_original(
    manifest: Manifest, originals: Iterable[Manifest], prefix: str, suffix: str
) -> Manifest | None:
    """Return the object as the overlay's patches see it; None when none or several fit.

    Args:
        manifest: As it comes out of the overlay.
        originals: What the overlay's resources and components give, before its own transformers.
        prefix: The overlay's `namePrefix`.
        suffix: Its `nameSuffix`.
    """
    fitting = [
        original
        for original in originals
        if (original.group, original.kind) == (manifest.group, manifest.kind)
        and manifest.name in (f"{prefix}{original.name}{suffix}", original.name)
    ]
    exact = [item for item in fitting if f"{prefix}{item.name}{suffix}" == manifest.name]
    best = exact or fitting
    same_place = [item for item in best if item.namespace == manifest.namespace]
    chosen = same_place if len(best) > 1 else best
    return chosen[0] if len(chosen) == 1 else None


def build_strategic(
    original: Manifest, changes: Sequence[Change], *, merges_lists: bool
) -> Tree | None:
    """Return a strategic merge patch, None when one cannot say it.

    Args:
        original: Whose names the patch carries.
        changes: What to say.
        merges_lists: Whether kustomize knows the kind, and so how its lists merge.
    """
    metadata: Tree = {"name": original.name}
    if original.namespace:
        metadata["namespace"] = original.namespace
    patch: Tree = {
        "apiVersion": original.api_version,
        "kind": original.kind,
        "metadata": metadata,
    }
    for change in changes:
        keyed = [isinstance(element, ListKey) for element in change.path]
        named = [isinstance(element, FieldName) for element in change.path]
        if (any(keyed) and not merges_lists) or not all(map(any, zip(keyed, named, strict=True))):
            return None
        made = _merged(patch, change.path, change.after)
        if not isinstance(made, dict):
            return None
        patch = made
    return patch


def _merged(patch: JSON, path: Path, value: JSON) -> JSON:
    """Return the patch with one more thing to say; a field that goes is null, an item `$patch`."""
    head, rest = path[0], path[1:]
    if isinstance(head, FieldName):
        tree = patch if isinstance(patch, dict) else {}
        if rest:
            return {**tree, head.name: _merged(tree.get(head.name), rest, value)}
        return {**tree, head.name: None if value is MISSING else value}
    assert isinstance(head, ListKey)  # noqa: S101 - the caller looked
    items = list(patch) if isinstance(patch, list) else []
    keys = dict(head.fields)
    place = next(
        (n for n, item in enumerate(items) if all(item.get(k) == v for k, v in keys.items())), None
    )
    before = items[place] if place is not None else keys
    if rest:
        item = _merged(before, rest, value)
    else:
        item = {**keys, "$patch": "delete"} if value is MISSING else value
    if place is None:
        return [*items, item]
    items[place] = item
    return items


def build_json_patch(declared: Tree, changes: Sequence[Change]) -> list[Tree]:
    """Return a JSON patch that makes the changes in an object as the overlay has it."""
    steps: list[Tree] = []
    tree: JSON = declared
    for change in changes:
        before, tree = tree, with_value(tree, change.path, change.after)
        pointer = find_pointer(change.path, before)
        if change.after is MISSING:
            if pointer is not None:
                steps.append({"op": "remove", "path": pointer})
        elif pointer is not None:
            steps.append({"op": "replace", "path": pointer, "value": change.after})
        else:
            steps.append(_addition(before, tree, change.path))
    return steps


def _addition(before: JSON, after: JSON, path: Path) -> Tree:
    """Return the step that adds the first part of a path that is not there yet."""
    depth = next(n for n in range(1, len(path) + 1) if value_at(before, path[:n]) is MISSING)
    parent = find_pointer(path[: depth - 1], before) or ""
    element = path[depth - 1]
    last = "-"
    if isinstance(element, FieldName):
        last = element.name.replace("~", "~0").replace("/", "~1")
    return {"op": "add", "path": f"{parent}/{last}", "value": value_at(after, path[:depth])}


def fold(old: JSON, new: JSON) -> JSON:
    """Return a strategic merge patch that says what `old` says, and then `new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{k: fold(old[k], v) if k in old else v for k, v in new.items()}}
    if isinstance(old, list) and isinstance(new, list) and _is_keyed(old) and _is_keyed(new):
        result = list(old)
        for item in new:
            same = [n for n, other in enumerate(result) if _key(other) == _key(item)]
            if same:
                result[same[0]] = fold(result[same[0]], item)
            else:
                result.append(item)
        return result
    return new


def _is_keyed(items: list[JSON]) -> bool:
    return all(_key(item) is not None for item in items)


def _key(item: JSON) -> tuple[str, JSON, JSON] | None:
    if not isinstance(item, dict):
        return None
    for name in ("name", "containerPort", "port", "mountPath", "devicePath", "ip", "topologyKey"):
        if name in item:
            return name, item[name], item.get("protocol")
    return None


def patch_entry(file: str, original: Manifest, *, is_json: bool) -> Tree:
    """Return the item of `patches:` for a patch file; a JSON patch must be told its target."""
    if not is_json:
        return {"path": file}
    target: Tree = {"version": original.version, "kind": original.kind, "name": original.name}
    if original.group:
        target = {"group": original.group, **target}
    if original.namespace:
        target["namespace"] = original.namespace
    return {"path": file, "target": target}


def patch_file_name(original: Manifest, taken: Iterable[str], *, suffix: str = "yaml") -> str:
    """Return a name for a patch file that nothing has yet: `adopted-deployment-web.yaml`."""
    stem = re.sub(r"[^a-z0-9.-]+", "-", f"adopted-{original.kind}-{original.name}".lower())
    used = set(taken)
    names = (f"{stem}{f'-{n}' if n else ''}.{suffix}" for n in range(len(used) + 1))
    return next(name for name in names if name not in used)


def find_transformer(kustomization: Tree, path: Path) -> str:
    """Return the field of a kustomization that sets what stands at a path, or `""`."""
    names = tuple(element.name for element in path if isinstance(element, FieldName))
    if kustomization.get("images") and names and names[-1] == "image":
        return "images"
    for field, place in _TRANSFORMED.items():
        if kustomization.get(field) and (
            names[: len(place)] == place if place[0] == "spec" else place[0] in names
        ):
            return field
    return "replacements" if kustomization.get("replacements") else ""
