"""Conditions of an Application in words that say what to do."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.api.page.app_view import blocks, moment, text
from holdfast.domain.condition import ConditionType
from holdfast.domain.manifest import Tree

_ADVICE = {
    ConditionType.COMPARISON_ERROR: (
        "Git and cluster cannot be compared",
        "Correct what the message names, then refresh. Until then nothing is synced or healed.",
    ),
    ConditionType.INVALID_SPEC_ERROR: (
        "The application says something that cannot be",
        "Change its source, destination or project as the message says.",
    ),
    ConditionType.SYNC_ERROR: (
        "The last sync failed",
        "Look at the objects that it lists, correct them in git, and sync again. "
        "Automatic sync does not try the same revision for ever.",
    ),
    ConditionType.DELETION_ERROR: (
        "Deleting does not come to an end",
        "Look at the object that is named: a finalizer or missing rights hold it.",
    ),
    ConditionType.UNKNOWN_ERROR: (
        "Something unforeseen happened",
        "Refresh. If it stays, the controller's log tells more.",
    ),
    ConditionType.EXCLUDED_RESOURCE: (
        "Git declares an object that is excluded",
        "It is not applied. Remove it from git, or change `resource.exclusions` in argocd-cm.",
    ),
    ConditionType.FIGHT: (
        "Somebody keeps undoing the heals",
        "See who it is under Drift. Take its fields out of git, stop it, or pause healing.",
    ),
    ConditionType.NOT_BUILT: (
        "A feature of Argo CD that this version leaves out",
        "It has no effect here; the rest of the application works.",
    ),
    ConditionType.ORPHANED_RESOURCE: (
        "Objects in the namespace belong to no application",
        "Declare them in git, delete them, or ignore them in the project.",
    ),
    ConditionType.REDUCED_MANIFEST: (
        "An object was applied without a part of it",
        "Correct in git what the message names: the cluster does not know it.",
    ),
    ConditionType.REPEATED_RESOURCE: (
        "Git declares the same object more than once",
        "The last one counts. Remove the others.",
    ),
    ConditionType.SHARED_RESOURCE: (
        "Two applications claim the same object",
        "Let one of them give it up: they would overwrite each other.",
    ),
}


@dataclass(frozen=True, slots=True)
class ConditionView:
    """All conditions of one type, with a title and what to do."""

    type: str
    is_error: bool
    title: str
    messages: tuple[str, ...]
    advice: str
    since: datetime | None


def conditions_of(app: Tree) -> tuple[ConditionView, ...]:
    """Return the conditions of an Application by type, errors first."""
    by_type: dict[str, list[Tree]] = {}
    for item in blocks(app, "status", "conditions"):
        by_type.setdefault(text(item, "type"), []).append(item)
    found = []
    for kind, items in by_type.items():
        known = next((known for known in _ADVICE if known.value == kind), None)
        title, advice = _ADVICE[known] if known else (kind, "")
        times = [at for item in items if (at := moment(item.get("lastTransitionTime")))]
        messages = tuple(text(item, "message") for item in items)
        is_error = kind.endswith("Error")
        since = min(times, default=None)
        found.append(ConditionView(kind, is_error, title, messages, advice, since))
    return tuple(sorted(found, key=lambda one: not one.is_error))
