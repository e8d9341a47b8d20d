"""`app actions list` and `app actions run`: what can be done with single objects (api.md §4.5)."""

import click

from holdfast.cli import exit_codes, layouts
from holdfast.cli.app.objects import (
    ALL,
    GROUP,
    KIND,
    NAME,
    NAMESPACE,
    demand,
    find_objects,
    find_one_or_all,
)
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec, LazyGroup
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.cli.root import ACTION_ENTRIES
from holdfast.domain.commands import RunAction
from holdfast.domain.queries import ListActions


async def _list(call: Call) -> int:
    app = call.app()
    rows = []
    async with call.link() as link:
        for key, version in await find_objects(call, link):
            # Argo CD's own names, capital letters and all: scripts read them.
            rows += [
                {"Group": key.group, "Kind": key.kind, "Name": key.name,
                 "Action": action["name"], "Disabled": bool(action.get("disabled"))}
                for action in await link.queries.answer(ListActions(app, key, version), "")
            ]  # fmt: skip
    form = call.values.text("output") or call.values.text("out")
    if form in STRUCTURED:
        call.say(render(rows, form))
        return exit_codes.OK
    header = ("GROUP", "KIND", "NAME", "ACTION", "DISABLED")
    cells = (tuple(str(value) for value in row.values()) for row in rows)
    call.say(layouts.table(header, ((*most, last.lower()) for *most, last in cells)))
    return exit_codes.OK


async def _run(call: Call) -> int:
    demand(call, "kind")
    action = call.arguments[1]
    parameters = []
    for item in call.values.texts("param"):
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise UsageError(f'--param "{item}": give name=value')
        parameters.append((name, value))
    async with call.link() as link:
        for key, version in await find_one_or_all(call, link):
            command = RunAction(call.app(), key, action, tuple(parameters), version)
            await link.commands.carry_out(command, "")
            call.say(f"Action '{action}' run on {key.kind} '{key.name}'")
    return exit_codes.OK


_FORMS = ("json", "yaml")
_LIST = CommandSpec(
    "list",
    "APPNAME",
    "List what can be done with objects of an Application.",
    _list,
    (
        KIND,
        GROUP,
        NAMESPACE,
        NAME,
        Flag("output", "How to print.", short="o", choices=_FORMS),
        Flag("out", "Argo CD's name for --output.", choices=_FORMS, hidden=True),
        APP_NAMESPACE,
    ),
    least=1,
    most=1,
    examples=("holdfast app actions list web --kind Deployment",),
)
_RUN = CommandSpec(
    "run",
    "APPNAME ACTION",
    "Run an action on an object of an Application.",
    _run,
    (
        KIND,
        GROUP,
        NAMESPACE,
        NAME,
        ALL,
        Flag("param", "Value name=value that the action needs.", FlagKind.LINES),
        APP_NAMESPACE,
    ),
    least=2,
    most=2,
    examples=(
        "holdfast app actions run web restart --kind Deployment --resource-name web",
        "holdfast app actions run web scale --kind Deployment --param replicas=3",
    ),
)

COMMANDS: dict[str, CommandSpec | click.Command] = {
    "actions": LazyGroup("actions", ACTION_ENTRIES, "Work with actions on objects."),
    "list": _LIST,
    "run": _RUN,
}
