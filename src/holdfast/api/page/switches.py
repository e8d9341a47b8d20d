"""The switches for automatic sync, prune and self-heal: what each says before it is turned."""

from dataclasses import dataclass

from holdfast.api.page.app_view import AppView
from holdfast.domain.manifest import Tree


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch.

    Attributes:
        patch: The merge patch of the Application that turns it.
        question: What will happen then.
        is_idle: It is on, but has no effect while automatic sync is off.
    """

    name: str
    label: str
    is_on: bool
    question: str
    patch: Tree
    is_idle: bool = False


def switches_of(app: AppView, *, is_paused: bool = False) -> tuple[Switch, ...]:
    """Return the three switches of an Application; what is on waits while it is paused."""
    behind = app.sync == "OutOfSync"
    when = "when the pause ends, and not before" if is_paused else "at once"
    if app.automated:
        sync_words = (
            "New commits are no longer rolled out by themselves, and drift is no longer healed. "
            "What runs now stays as it is; a person syncs."
        )
    else:
        sync_words = "Every new commit is rolled out by itself." + (
            f" It differs from git now: {app.differing} object"
            f"{'s are' if app.differing != 1 else ' is'} changed {when}."
            if behind
            else " Nothing changes now: it is in sync."
        )
    prune_words = (
        "Objects that disappear from git stay in the cluster and are shown as OutOfSync."
        if app.prune
        else "Objects that disappear from git are deleted from the cluster, "
        "with everything that they own."
    )
    heal_words = (
        "Changes that others make to objects stay until the next sync. They are still seen, and "
        "shown under Drift."
        if app.self_heal
        else "Changes that others make to what git declares are undone within milliseconds. "
        f"An open drift is healed {when}."
    )
    waits = "" if app.automated else " It counts once automatic sync is on."
    return (
        Switch("automated", "Automatic sync", app.automated, sync_words,
               _patch({"enabled": not app.automated})),
        Switch("prune", "Prune", app.prune, prune_words + waits, _patch({"prune": not app.prune}),
               is_idle=not app.automated),
        Switch("selfHeal", "Self-heal", app.self_heal, heal_words + waits,
               _patch({"selfHeal": not app.self_heal}), is_idle=not app.automated),
    )  # fmt: skip


def _patch(automated: Tree) -> Tree:
    return {"spec": {"syncPolicy": {"automated": automated}}}
