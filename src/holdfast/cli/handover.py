"""`handover`: give the objects of Applications back to Argo CD."""

import json
from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.domain.commands import HandOver
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import ListApplications

Tree = dict[str, Any]


async def _handover(call: Call) -> int:
    everything = call.values.switch("all")
    if everything == bool(call.arguments):
        raise UsageError("name Applications, or give --all for every one")
    dry_run = call.values.switch("dry-run")
    rows: list[Tree] = []
    async with call.link() as link:
        if everything:
            listed = await link.queries.answer(
                ListApplications(call.values.text("app-namespace") or call.target.namespace), ""
            )
            metadata = [app["metadata"] for app in listed]
            keys = [AppKey(one["namespace"], one["name"]) for one in metadata]
        else:
            keys = [call.app(name) for name in call.arguments]
        for key in keys:
            done = await link.commands.carry_out(HandOver(key, dry_run=dry_run), "")
            rows += [{"app": key.name, **item} for item in (done.tree or {})["objects"]]
    if call.values.text("output") == "json":
        call.say(json.dumps(rows, indent=2))
        return exit_codes.OK
    if rows:
        header = ("APP", "GROUP", "KIND", "NAMESPACE", "NAME", "OUTCOME", "REASON")
        names = ("app", "group", "kind", "namespace", "name", "outcome", "reason")
        call.say(layouts.table(header, (tuple(row[name] for name in names) for row in rows)))
    if not dry_run:
        call.hint("stop Holdfast, then start Argo CD: what git drops from now on, it removes")
    return exit_codes.OK


COMMANDS = {
    "handover": CommandSpec(
        "handover",
        "[APPNAME...]",
        "Give objects back to Argo CD: it becomes the manager of our fields and knows what was "
        "declared last, so that what git drops is removed there, too. No value changes. Pause the "
        "Applications before (or stop Holdfast), or they are taken again at once.",
        _handover,
        (
            Flag("all", "Every Application of the namespace.", FlagKind.SWITCH),
            Flag("dry-run", "Only say what would be handed over.", FlagKind.SWITCH),
            Flag("output", "How to print.", short="o", choices=("json",)),
            APP_NAMESPACE,
        ),
        most=None,
        examples=("holdfast handover web --dry-run", "holdfast handover --all"),
    )
}
