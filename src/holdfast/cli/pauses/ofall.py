"""`pause --all`, `resume`, `pauses`."""

import json
from datetime import datetime

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.moments import span, utc
from holdfast.cli.pauses import words
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.domain.commands import ResumeHealing
from holdfast.domain.pause import Pause, PauseScope
from holdfast.domain.queries import ListPauses


async def _pause(call: Call) -> int:
    if not call.values.switch("all"):
        raise UsageError(
            "say what to pause: --all, or `holdfast app pause NAME`, `holdfast proj pause NAME`, "
            "`holdfast cluster pause NAME`"
        )
    command = words.pause_of(call, PauseScope.ALL, call.session.now())
    async with call.link() as link:
        return await words.make(call, link, command, "holdfast resume --all")


async def _resume(call: Call) -> int:
    everything = call.values.switch("all")
    if everything == bool(call.arguments):
        raise UsageError("give the id of a pause, or --all to end every pause")
    async with call.link() as link:
        if everything:
            ended = await words.end(call, link, ResumeHealing())
            if not ended:
                call.note("nothing was paused")
        else:
            ended = []
            for pause_id in call.arguments:
                ended += await words.end(call, link, ResumeHealing(pause_id=pause_id))
        await words.say_what_comes_back(call, link, ended)
    return exit_codes.OK


async def _list(call: Call) -> int:
    async with call.link() as link:
        found = await words.listed(link, ListPauses(ended=call.values.switch("ended")))
        now = link.clock.now()
    if call.values.text("output") == "json":
        call.say(json.dumps([pause.manifest.tree for pause in found], indent=2))
    elif found:
        call.say(_table(found, now))
    else:
        call.note("nothing is paused")
    return exit_codes.OK


def _table(pauses: list[Pause], now: datetime) -> str:
    header = ("ID", "SCOPE", "TARGET", "UNTIL", "LEFT", "AUTHOR", "REASON")
    return layouts.table(header, (_row(pause, now) for pause in pauses))


def _row(pause: Pause, now: datetime) -> tuple[str, ...]:
    target = pause.target or "*"
    if pause.resource is not None:
        target = f"{pause.target}: {pause.resource}"
    left = "-"
    if pause.until is not None:
        seconds = (pause.until - now).total_seconds()
        left = span(seconds) if seconds > 0 else "ended"
    until = utc(pause.until) if pause.until is not None else "resumed"
    return (
        pause.id,
        pause.scope.value,
        target,
        until,
        left,
        pause.author or "unknown",
        pause.reason,
    )


COMMANDS = {
    "pause": CommandSpec(
        "pause",
        "",
        "Hold healing, automatic sync and prune of every Application, for a while.",
        _pause,
        (Flag("all", "Everything.", FlagKind.SWITCH), *words.PAUSE_FLAGS),
        examples=('holdfast pause --all --for 30m --reason "INC-123"',),
    ),
    "resume": CommandSpec(
        "resume",
        "[ID...]",
        "End pauses by their id, or all of them.",
        _resume,
        (Flag("all", "Every pause, of whatever scope.", FlagKind.SWITCH),),
        most=None,
        examples=("holdfast resume web-3f9c2d", "holdfast resume --all"),
    ),
    "pauses": CommandSpec(
        "pauses",
        "",
        "List what is paused, by whom, why, and until when.",
        _list,
        (
            Flag("ended", "Those that ended lately as well.", FlagKind.SWITCH),
            Flag("output", "How to print.", short="o", choices=("json",)),
        ),
        examples=("holdfast pauses",),
    ),
}
