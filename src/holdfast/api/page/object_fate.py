"""What becomes of an object after what a person does to it, said before it is done. Pure.

Holdfast puts back what git declares, and Kubernetes' controllers what their objects ask for: who
deletes or scales something should know beforehand whether it stays that way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.api.page.app_view import AppView, block, blocks, text
from holdfast.api.page.object_owners import HOLDFAST, owns
from holdfast.api.page.object_view import ObjectView
from holdfast.domain.manifest import Tree

HEALTH_WORDS = {
    "Healthy": "It is as it should be.",
    "Progressing": "It is on its way; nothing has failed yet.",
    "Degraded": "It does not work as it should.",
    "Suspended": "It waits: somebody, or its own specification, holds it.",
    "Missing": "Git declares it, and the cluster does not have it.",
    "Unknown": "Its state cannot be told.",
}
SYNC_WORDS = {
    "Synced": "Live is what git declares.",
    "OutOfSync": "Live is not what git declares.",
    "Unknown": "Live and git could not be compared.",
}
_PRECIOUS = {
    "Namespace": "Everything in the namespace is deleted with it.",
    "CustomResourceDefinition": "Every object of this kind, in the whole cluster, is deleted "
    "with it.",
    "PersistentVolumeClaim": "What is stored in its volume may be lost for good: that is up to "
    "the reclaim policy.",
    "PersistentVolume": "What is stored in it may be lost for good: that is up to the reclaim "
    "policy.",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to delete.

    Attributes:
        query: What it adds to the request.
    """

    name: str
    label: str
    words: str
    query: str


WAYS = (
    Way("foreground", "Foreground",
        "First what it owns, then the object itself. It is gone when all of that is gone.",
        "propagationPolicy=foreground"),
    Way("background", "Background",
        "The object at once; Kubernetes then removes what it owns.",
        "propagationPolicy=background"),
    Way("orphan", "Orphan",
        "Only the object. What it owns stays and runs on, and nobody looks after it.",
        "propagationPolicy=orphan"),
    Way("force", "Force",
        "At once and without a grace period: Kubernetes does not wait until its processes have "
        "ended. Only for what hangs. A finalizer still holds it.",
        "force=true"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens after a deletion.

    Attributes:
        comes_back: Whether something makes it again.
        costs: What is lost with it for good, `""` for nothing in particular.
    """

    words: str
    comes_back: bool
    costs: str


@dataclass(frozen=True, slots=True)
class Act:
    """One resource action.

    Attributes:
        words: What it does, and whether that stays.
        is_danger: It ends something.
        parameters: Name and default.
    """

    name: str
    title: str
    words: str
    is_disabled: bool
    is_danger: bool
    parameters: tuple[tuple[str, str], ...]

    @property
    def parameter_bodies(self) -> list[Tree]:
        """Its parameters as a request names them, values still to come."""
        return [{"name": name} for name, _ in self.parameters]


def fate_of(app: AppView, item: ObjectView, live: Tree, *, is_paused: bool) -> Fate:
    """Return what happens after this object is deleted."""
    find = _managed_fate(app, item, is_paused=is_paused) if item.managed else _child_fate(live)
    words, comes_back = find
    return Fate(words, comes_back, _PRECIOUS.get(item.kind, ""))


def _child_fate(live: Tree) -> tuple[str, bool]:
    owners = blocks(live, "metadata", "ownerReferences")
    owner = next((one for one in owners if one.get("controller") is True), None)
    if owner is None:
        return "Nothing brings it back.", False
    who = f"{text(owner, 'kind')} {text(owner, 'name')}"
    return f"Its owner, {who}, makes a new one if it still needs one.", True


def _managed_fate(app: AppView, item: ObjectView, *, is_paused: bool) -> tuple[str, bool]:
    if item.needs_pruning:
        return "Git does not declare it any more: nothing brings it back.", False
    if item.is_hook:
        return "It is a hook: the next sync makes it again.", False
    if not app.heals:
        return (
            "Self-heal is off: it stays away until the next sync, and the application is "
            "OutOfSync.",
            False,
        )
    if is_paused:
        return (
            "Git declares it, and healing is paused: it stays away until the pause ends, and is "
            "put back then.",
            True,
        )
    return (
        "Self-heal is on: Holdfast puts it back as git declares it, as soon as it is gone. To be "
        "rid of it, remove it from git.",
        True,
    )


def acts_of(
    found: Sequence[Tree], app: AppView, item: ObjectView, live: Tree, *, is_paused: bool
) -> tuple[Act, ...]:
    """Return the actions of an object (`queries.ListActions`) in words."""
    undone = _is_undone(app, item, is_paused=is_paused)
    return tuple(
        Act(
            name=text(action, "name"),
            title=text(action, "displayName") or text(action, "name"),
            words=_act_words(text(action, "name"), item, live, undone=undone),
            is_disabled=action.get("disabled") is True,
            is_danger=text(action, "name") == "terminate",
            parameters=tuple(
                (text(one, "name"), text(one, "default")) for one in blocks(action, "params")
            ),
        )
        for action in found
    )


def _is_undone(app: AppView, item: ObjectView, *, is_paused: bool) -> bool:
    """Whether a change of a field that git declares does not last."""
    return item.managed and app.heals and not is_paused


def _act_words(name: str, item: ObjectView, live: Tree, *, undone: bool) -> str:
    words, path = _ACT_WORDS.get((item.kind, name)) or _ACT_WORDS.get(("", name)) or ("", ())
    if not words:
        return f"The action {name} is run on {item.kind} {item.name}."
    if not path or not item.managed:
        return words
    field = ".".join(path)
    if owns(live, HOLDFAST, *path):
        words += (
            f" Git declares {field} and self-heal is on: Holdfast sets it back at once. Change "
            "it in git, or pause healing first."
            if undone
            else f" Git declares {field}: the object is OutOfSync then, and the next sync sets "
            "it back."
        )
    elif item.sync != "Synced":  # somebody else may have taken over what git declares
        words += f" If git declares {field}, the next sync sets it back."
    return words


_ACT_WORDS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("", "restart"): (
        "Its pods are replaced, a few at a time as its strategy says. What git declares stays.",
        (),
    ),
    ("Deployment", "pause"): (
        "Changes of its template are no longer rolled out. Pods that run go on.",
        ("spec", "paused"),
    ),
    ("Deployment", "resume"): (
        "What was changed while it was paused is rolled out now.",
        ("spec", "paused"),
    ),
    ("", "scale"): ("It runs with so many pods from now on.", ("spec", "replicas")),
    ("CronJob", "create-job"): ("A Job is made of it now, beside those of its schedule.", ()),
    ("CronJob", "suspend"): ("Its schedule starts no Jobs. Jobs that run go on.",
                             ("spec", "suspend")),
    ("CronJob", "resume"): ("Its schedule starts Jobs again.", ("spec", "suspend")),
    ("Job", "suspend"): ("Its pods are ended, and it starts none until it is resumed.",
                         ("spec", "suspend")),
    ("Job", "resume"): ("It starts its pods again.", ("spec", "suspend")),
    ("Job", "terminate"): ("Its pods are ended and the Job counts as failed. It does not start "
                           "again.", ("spec", "activeDeadlineSeconds")),
}  # fmt: skip


def is_precious(kind: str) -> bool:
    """Whether its name must be typed before it is deleted."""
    return kind in _PRECIOUS


def is_terminating(live: Tree) -> bool:
    """Whether somebody has deleted it and it is not gone yet."""
    return bool(block(live, "metadata").get("deletionTimestamp"))
