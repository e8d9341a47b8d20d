"""What would come of what somebody typed: asked of the cluster before anything is saved."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from holdfast.api.applications import APPLICATIONS, key_of, project_of, rbac_name
from holdfast.api.page.app_view import blocks, text
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_form import Told
from holdfast.api.page.diff_view import ObjectDiff, diffs_of
from holdfast.domain.application import (
    DELETION_APPROVED_ANNOTATION,
    REFRESH_ANNOTATION,
    REFRESH_TIMESTAMP_ANNOTATION,
    Application,
)
from holdfast.domain.divergence import DIFFERS_ANNOTATION
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.queries import TryApplication

_SERVERS_OWN = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
_MACHINES = frozenset(
    {
        DIFFERS_ANNOTATION,
        REFRESH_ANNOTATION,
        REFRESH_TIMESTAMP_ANNOTATION,
        DELETION_APPROVED_ANNOTATION,
        "kubectl.kubernetes.io/last-applied-configuration",
        "notified.notifications.argoproj.io",
    }
)
"""Annotations that programs keep on an Application: nobody edits them by hand."""
_EDITABLE = ("labels", "annotations", "finalizers")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    Attributes:
        told: What is wrong, each at its place.
        diffs: Objects that would change.
        unchanged: How many would stay as they are.
        refusals: Why an object would be refused, by its id.
        itself: What changes in the Application object, for one that exists.
    """

    told: tuple[Told, ...] = ()
    diffs: tuple[ObjectDiff, ...] = ()
    unchanged: int = 0
    refusals: Mapping[str, str] = field(default_factory=dict)
    itself: ObjectDiff | None = None


async def try_out(board: Board, visit: Visit, tree: Tree, *, is_new: bool = True) -> Trial:
    """Ask what would come of an Application."""
    query = TryApplication(tree, is_new)
    try:
        answer = await board.services.queries.answer(query, visit.caller.username)
    except HoldfastError as error:
        hint = error.hint or "Nothing was saved. Try again."
        return Trial((told_of(f"It could not be checked: {error.message}", hint),))
    told = tuple(
        told_of(one["message"], one["hint"], is_warning=not one["blocks"], place=one["field"])
        for one in answer["problems"]
    )
    records = blocks(answer, "objects")
    rules = Application.parse(Manifest(tree)).ignore_rules
    diffs = await asyncio.to_thread(diffs_of, records, rules)
    hooks = sum(bool(record.get("hook")) for record in records)
    refusals = {_id(record): text(record, "refusal") for record in records}
    return Trial(
        told=told,
        diffs=diffs,
        unchanged=len(records) - hooks - len(diffs),
        refusals={name: words for name, words in refusals.items() if words},
    )


def told_of(message: str, hint: str, *, is_warning: bool = False, place: str = "") -> Told:
    """Return an error in whole sentences: messages end without a stop, hints begin small."""
    return Told(_stopped(message), _stopped(f"{hint[:1].upper()}{hint[1:]}"), is_warning, place)


def _stopped(words: str) -> str:
    return f"{words}." if words and words[-1] not in ".!?…" else words


def _id(record: Tree) -> str:
    return f"{record['group']}/{record['kind']}/{record['namespace']}/{record['name']}"


def itself(before: Tree, after: Tree) -> ObjectDiff | None:
    """Return what changes in an Application object, None for nothing; CPU-bound."""
    record: Tree = {
        "group": "argoproj.io",
        "kind": "Application",
        "namespace": text(before["metadata"], "namespace"),
        "name": text(before["metadata"], "name"),
        "targetState": after,
        "liveState": before,
        "predictedLiveState": after,
        "hook": False,
        "modified": before != after,
    }
    found = diffs_of([record], ())
    return found[0] if found else None


def without_servers_own(tree: Tree) -> Tree:
    """Return an Application without what the server and the controller write into it."""
    metadata = {k: v for k, v in (tree.get("metadata") or {}).items() if k not in _SERVERS_OWN}
    rest = {k: v for k, v in tree.items() if k not in ("status", "operation")}
    return {**rest, "metadata": metadata}


def editable(tree: Tree) -> Tree:
    """Return what a person may change of an Application, and its name."""
    bare = without_servers_own(tree)
    metadata = bare["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    for name in _EDITABLE:
        value = metadata.get(name)
        if isinstance(value, dict) and name == "annotations":
            value = {key: words for key, words in value.items() if key not in _MACHINES}
        if value:
            kept[name] = value
    return {
        "apiVersion": tree.get("apiVersion"),
        "kind": tree.get("kind"),
        "metadata": kept,
        "spec": bare.get("spec") or {},
    }


def written_over(before: Tree, tree: Tree) -> Tree:
    """Return an edited Application as it is sent: what was taken out of it is gone.

    What programs keep on it stays, and its version says which state it was written over.
    """
    live, typed = before["metadata"], tree.get("metadata") or {}
    machines = {
        key: words for key, words in (live.get("annotations") or {}).items() if key in _MACHINES
    }
    own = {
        key: words
        for key, words in (typed.get("annotations") or {}).items()
        if key not in _MACHINES
    }
    metadata = {
        "name": live["name"],
        "namespace": live.get("namespace"),
        "resourceVersion": live.get("resourceVersion"),
        "labels": typed.get("labels") or {},
        "annotations": {**own, **machines},
        "finalizers": typed.get("finalizers") or [],
    }
    return {**tree, "metadata": metadata}


def digest(part: Any) -> str:
    """Return a fingerprint of a tree: equal for equal trees."""
    return hashlib.sha256(orjson.dumps(part, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def projects_to_create_in(board: Board, visit: Visit) -> list[str]:
    """Return the projects in which the caller may create Applications."""
    trees = board.services.applications.projects()
    names = sorted({"default", *(str(tree["metadata"]["name"]) for tree in trees)})
    return [name for name in names if visit.may(APPLICATIONS, "create", f"{name}/*")]


def may_create(board: Board, visit: Visit, tree: Tree) -> bool:
    """Whether the caller may create this very Application."""
    control = board.services.facts.control_namespace
    named = {**tree, "metadata": {"name": "", **(tree.get("metadata") or {})}}
    target = rbac_name(project_of(named), key_of(named), control)
    return visit.may(APPLICATIONS, "create", target)
