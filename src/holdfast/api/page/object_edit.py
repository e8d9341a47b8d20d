"""An object as a text that a person changes, and the patch that this comes to. Pure.

A merge patch holds only what was changed: fields that others write meanwhile stay as they are. It
replaces lists as a whole, as kubectl's `edit` does for kinds without a schema.
"""

from dataclasses import dataclass

from holdfast.api.page.app_view import AppView, block
from holdfast.api.page.create_form import Told
from holdfast.api.page.object_view import ObjectView
from holdfast.domain.manifest import JSON, Tree
from holdfast.kit import yamlio

PATCHES = {
    "merge": "Merge patch: what to set; null takes a field away, lists are replaced.",
    "strategic": "Strategic merge patch: lists of containers and their kin are merged by name. "
    "Not for kinds of a CRD.",
    "json": "JSON patch: a list of steps, each with op, path and value.",
}
_LIMITS = yamlio.YamlLimits(size_bytes=512 * 1024, depth=60, nodes=50_000)
_SERVERS_OWN = frozenset(
    {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}
)
_SAME = ("apiVersion", "kind")


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody typed, and what is to be said about it.

    Attributes:
        how: `yaml`, or one of `PATCHES`.
        seen: Fingerprint of the object that the text was made of; `""` for a patch.
    """

    how: str
    text: str
    seen: str = ""
    told: tuple[Told, ...] = ()
    is_conflict: bool = False


def editable(live: Tree) -> Tree:
    """Return what a person may change of an object, and its name."""
    metadata = {k: v for k, v in block(live, "metadata").items() if k not in _SERVERS_OWN}
    rest = {k: v for k, v in live.items() if k not in ("metadata", "status")}
    head = {name: rest.pop(name) for name in _SAME if name in rest}
    return {**head, "metadata": metadata, **rest}


def patch_of(live: Tree, edit: Edit) -> tuple[JSON, tuple[Told, ...]]:
    """Return the patch that was meant, None for no change, and what is wrong; CPU-bound."""
    try:
        typed = yamlio.load_one(edit.text, _LIMITS)
    except yamlio.YamlError as error:
        return None, (Told(f"Line {error.line}: {error.reason}.", "Correct the YAML."),)
    if edit.how != "yaml":
        return _given(typed, edit.how)
    before = editable(live)
    if not isinstance(typed, dict) or any(typed.get(key) != before.get(key) for key in _SAME):
        words = f"This is a {before.get('kind')} of {before.get('apiVersion')}, and stays one."
        return None, (Told(words),)
    names = ("name", "namespace")
    if any(block(typed, "metadata").get(n) != block(before, "metadata").get(n) for n in names):
        return None, (Told("Its name and namespace stay as they are."),)
    return merge_patch(before, typed) or None, ()


def _given(typed: JSON, how: str) -> tuple[JSON, tuple[Told, ...]]:
    if how == "json":
        is_right = isinstance(typed, list) and all(isinstance(step, dict) for step in typed)
        words = "A JSON patch is a list of steps: - {op: replace, path: /spec/replicas, value: 2}."
    else:
        is_right = isinstance(typed, dict)
        words = "This patch is a mapping, for example: spec: {replicas: 2}."
    if not is_right:
        return None, (Told(words),)
    return typed or None, ()


def merge_patch(before: Tree, after: Tree) -> Tree:
    """Return what turns one tree into another by RFC 7386; `{}` for equal ones."""
    found: Tree = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if name not in before or type(old) is not type(value):
            found[name] = value
        elif isinstance(value, dict) and isinstance(old, dict):
            if inner := merge_patch(old, value):
                found[name] = inner
        elif old != value:
            found[name] = value
    return found


def what_becomes_of_it(app: AppView, item: ObjectView, *, is_paused: bool) -> str:
    """Return how long an edit by hand stays, said before it is made."""
    if not item.managed:
        return (
            "Git does not declare this object: Holdfast leaves the change alone. The controller "
            "that made the object may put it back."
        )
    if is_paused:
        return (
            "Healing is paused: the change stays until the pause ends, and is undone then, unless "
            "git declares it by now."
        )
    if app.heals:
        return (
            "Self-heal is on: what git declares is put back within milliseconds, and only fields "
            "that it does not name keep your change. Pause healing first, or change git."
        )
    return (
        "Self-heal is off: the change stays until the next sync, and the application is "
        "OutOfSync until then. Change git to keep it."
    )
