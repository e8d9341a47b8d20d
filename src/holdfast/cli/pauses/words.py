"""Flags and texts of pauses, and the two things that can be done: make one, end some."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call
from holdfast.cli.moments import parse_duration, parse_moment, span, utc
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.domain.application import SELF_HEAL_ANNOTATION
from holdfast.domain.commands import PauseHealing, ResumeHealing
from holdfast.domain.divergence import Divergence
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import Pause, PauseScope, parse_resource
from holdfast.domain.queries import GetApplication, ListPauses

if TYPE_CHECKING:
    from holdfast.cli.session import Link

RESOURCE = Flag(
    "resource", "One object only.", metavar="GROUP:KIND:[NAMESPACE/]NAME"
)  # fmt: skip
PAUSE_FLAGS = (
    Flag("for", "How long: 30m, 1h30m, 2d; 7 days at most.", metavar="DURATION"),
    Flag("until", "Its end: 2026-01-02T15:04:05Z, or 15:04 (UTC).", metavar="TIME"),
    Flag("until-resumed", "No end: it lasts until somebody resumes it.", FlagKind.SWITCH),
    Flag("reason", "Why; whoever finds it reads this.", metavar="TEXT"),
)
_ENDS = ("for", "until", "until-resumed")


def pause_of(call: Call, scope: PauseScope, now: datetime, target: str = "") -> PauseHealing:
    """Return what the flags ask for.

    Raises:
        UsageError: no end or no reason is given, or two ends.
    """
    values = call.values
    given = [name for name in _ENDS if values.is_given(name)]
    if len(given) != 1:
        raise UsageError("give one end: --for 30m, --until 2026-01-02T15:04:05Z or --until-resumed")
    if not values.text("reason").strip():
        raise UsageError('a pause needs a reason: --reason "INC-123"')
    until = None
    if given == ["for"]:
        until = now + parse_duration(values.text("for"), "for")
    elif given == ["until"]:
        until = parse_moment(values.text("until"), now, "until")
    return PauseHealing(scope, values.text("reason"), until, target)


def resource_of(call: Call) -> Any:
    """Return the key that `--resource` names, or None.

    Raises:
        UsageError: it has another form.
    """
    text = call.values.text(RESOURCE.name)
    if not text:
        return None
    try:
        return parse_resource(text)
    except ValueError as error:
        raise UsageError(f"--resource: {error}") from error


async def make(call: Call, link: "Link", command: PauseHealing, resume: str) -> int:
    """Make a pause and say so; `resume` is the command that ends it."""
    done = await link.commands.carry_out(command, "")
    pause = Pause.parse(Manifest(done.tree or {}))
    for note in done.notes:
        call.note(note)
    if pause is None:
        return exit_codes.OK
    end = "until it is resumed"
    if pause.until is not None:
        left = span((pause.until - link.clock.now()).total_seconds())
        end = f"until {utc(pause.until)} ({left})"
    call.say(f"{target_words(pause)} paused {end}: {pause.reason} (pause {pause.id})")
    held = "healing, automatic sync and prune are held"
    if pause.scope is PauseScope.OBJECT:
        held = "it is not healed, and no commit is rolled out that would touch it"
    call.hint(f"{held}; drift is still seen and noted. To end it: {resume}")
    return exit_codes.OK


async def end(call: Call, link: "Link", command: ResumeHealing) -> list[Pause]:
    """End pauses and say so; return them."""
    done = await link.commands.carry_out(command, "")
    trees = (done.tree or {}).get("resumed") or []
    ended = [pause for tree in trees if (pause := Pause.parse(Manifest(tree))) is not None]
    for pause in ended:
        call.say(f"{target_words(pause)} resumed (pause {pause.id})")
    for note in done.notes:
        call.note(note)
    return ended


async def say_what_comes_back(call: Call, link: "Link", ended: list[Pause]) -> None:
    """Say which objects are not what git declares in the Applications that were paused."""
    named = {PauseScope.APPLICATION, PauseScope.OBJECT}
    keys = {
        AppKey(pause.app_namespace or call.target.namespace, pause.target)
        for pause in ended
        if pause.scope in named
    }
    for key in sorted(keys):
        try:
            tree = await link.queries.answer(GetApplication(key), "")
        except HoldfastError:
            continue  # it was deleted while it was paused
        differing = ", ".join(drifted(tree))
        if differing and self_heals(tree):
            call.note(f"put back in {key.name}: {differing}")
        elif differing:
            call.note(f"{key.name} differs from git, and self-heal is off: {differing}")


def drifted(app: Any) -> list[str]:
    """Return the objects of an Application that change when a pause of it ends.

    Without automatic sync only what drifted: a new commit goes on waiting for a person.
    """
    waits = not layouts.is_automated(app)
    known = layouts.divergences_of(app)
    differing = [
        _key_of(item)
        for item in layouts.items(app, "status", "resources")
        if layouts.text(item, "status") == "OutOfSync"
    ]
    return [
        "/".join(filter(None, (key.group, key.kind)))
        + " "
        + "/".join(filter(None, (key.namespace, key.name)))
        for key in differing
        if not (waits and known.of(key) is Divergence.BEHIND)
    ]


def _key_of(item: Any) -> ResourceKey:
    return ResourceKey(*(layouts.text(item, n) for n in ("group", "kind", "namespace", "name")))


def self_heals(app: Any) -> bool:
    """Whether drift of an Application is put back by itself."""
    if layouts.is_automated(app):
        automated = layouts.block(app, "spec", "syncPolicy", "automated")
        return bool(automated.get("selfHeal") is True)
    wish = layouts.block(app, "metadata", "annotations").get(SELF_HEAL_ANNOTATION)
    return bool(wish == "last-synced")


def target_words(pause: Pause) -> str:
    """Return what a pause is about, for people."""
    match pause.scope:
        case PauseScope.ALL:
            return "everything"
        case PauseScope.OBJECT:
            return f"{pause.resource} of application '{pause.target}'"
        case _:
            return f"{pause.scope.value.lower()} '{pause.target}'"


def within_app(command: PauseHealing, app: AppKey, resource: Any) -> PauseHealing:
    """Return the command for an Application, or one object of it."""
    return replace(command, target=app.name, app_namespace=app.namespace, resource=resource)


async def listed(link: "Link", query: ListPauses) -> list[Pause]:
    """Return pauses."""
    trees = await link.queries.answer(query, "")
    return [pause for tree in trees if (pause := Pause.parse(Manifest(tree))) is not None]
