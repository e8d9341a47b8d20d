"""`app sync`, `app wait`, `app rollback`, `app terminate-op`: operations, and waiting for them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.app.delete import chosen_apps
from holdfast.cli.app.diff import DIFF_TUNING, print_differences
from holdfast.cli.app.local import LOCAL_FLAGS, local_folder
from holdfast.cli.app.read import TREES, output_flag
from holdfast.cli.app.revisions import REVISION_FLAGS, choose_revisions
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.cli.progress import Goal, Progress
from holdfast.cli.selection import EVERYTHING, Pattern, Selection
from holdfast.domain.commands import (
    Done,
    RollBackApplication,
    SyncApplication,
    TerminateOperation,
)
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey
from holdfast.domain.operation import SelectedResource
from holdfast.domain.queries import GetApplication, GetManifests, ManagedResources

if TYPE_CHECKING:
    from holdfast.cli.session import Link

Tree = dict[str, Any]
_SWITCH, _LINES, _NUMBER = FlagKind.SWITCH, FlagKind.LINES, FlagKind.NUMBER
_OPTION_FLAGS = (
    ("replace", "Replace=true"),
    ("server-side", "ServerSideApply=true"),
    ("apply-out-of-sync-only", "ApplyOutOfSyncOnly=true"),
)
_RETRY_FLAGS = ("retry-limit", "retry-refresh", "retry-backoff-duration",
                "retry-backoff-max-duration", "retry-backoff-factor")  # fmt: skip


async def _sync(call: Call) -> int:
    code = exit_codes.OK
    async with call.link() as link:
        for app in await chosen_apps(call, link):
            code = await _sync_one(call, link, app) or code
    return code


async def _sync_one(call: Call, link: "Link", app: AppKey) -> int:
    values = call.values
    tree = await link.queries.answer(GetApplication(app), "")
    revisions = choose_revisions(values, layouts.block(tree, "spec"))
    selection = await _selection(call, link, app, revisions)
    resources = selection.resources(tree)
    seen = ManagedResources(app, values.text("revision"), local_folder(values), revisions)
    if values.switch("preview-changes") and not await _preview(call, link, seen, selection):
        return exit_codes.OK
    done = await link.commands.carry_out(_request(call, app, revisions, resources), "")
    for note in done.notes:
        call.note(note)
    if values.switch("async"):
        return exit_codes.OK
    goal = Goal(operation=True, since=_version(done), timeout_s=values.number("timeout"))
    after = await Progress(call, link, selection).wait(app, goal)
    return exit_codes.OK if values.switch("dry-run") else _verdict(call, after, selection)


def _request(
    call: Call, app: AppKey, revisions: tuple[str, ...], resources: tuple[SelectedResource, ...]
) -> SyncApplication:
    values = call.values
    options = [option for flag, option in _OPTION_FLAGS if values.switch(flag)]
    info = []
    for item in values.texts("info"):
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f'--info "{item}": give name=value')
        info.append((name, value))
    return SyncApplication(
        app,
        revision=values.text("revision"),
        revisions=revisions,
        prune=values.switch("prune"),
        dry_run=values.switch("dry-run"),
        strategy=values.text("strategy") or "hook",
        force=values.switch("force"),
        resources=resources,
        options=tuple(options) or None,
        retry=_retry(call),
        info=tuple(info),
        local=local_folder(values),
    )


def _retry(call: Call) -> Tree | None:
    values = call.values
    if not values.any_given(_RETRY_FLAGS) or values.number("retry-limit") == 0:
        return None
    retry: Tree = {
        "limit": values.number("retry-limit"),
        "backoff": {
            "duration": values.text("retry-backoff-duration"),
            "factor": values.number("retry-backoff-factor"),
            "maxDuration": values.text("retry-backoff-max-duration"),
        },
    }
    if values.switch("retry-refresh"):
        retry["refresh"] = True
    return retry


async def _selection(
    call: Call, link: "Link", app: AppKey, revisions: tuple[str, ...]
) -> Selection:
    """What `--resource` and `--label` choose, together."""
    values = call.values
    chosen = Selection.parse(values.texts("resource"))
    labels = values.texts("label")
    if not labels:
        return chosen
    query = GetManifests(app, values.text("revision"), revisions, local_folder(values))
    found = _labelled(await link.queries.answer(query, ""), labels)
    if not found:
        raise RefusedError(f"No matching resources found for labels {', '.join(labels)}")
    return chosen.plus(found)


def _labelled(manifests: list[Tree], labels: tuple[str, ...]) -> list[Pattern]:
    """Return a pattern for each object that has all these labels."""
    wanted = dict(item.partition("=")[::2] for item in labels)
    found = []
    for tree in manifests:
        have = layouts.block(tree, "metadata", "labels")
        if all(have.get(key) == value for key, value in wanted.items()):
            group = layouts.text(tree, "apiVersion").rpartition("/")[0]
            namespace = layouts.text(tree, "metadata", "namespace")
            name = layouts.text(tree, "metadata", "name")
            found.append(Pattern(group, layouts.text(tree, "kind"), namespace, name))
    return found


async def _preview(call: Call, link: "Link", query: ManagedResources, selection: Selection) -> bool:
    if not await print_differences(call, link, query, selection):
        call.say("====== No Differences found ======")
        return True
    if call.values.switch("assumeYes"):
        return True
    question = (
        "Please review changes to application shown above. Do you want to continue the sync "
        "process? (y/n): "
    )
    print(question, end="", file=call.session.err, flush=True)
    return call.session.stdin.readline().strip().lower() in ("y", "yes")


def _verdict(call: Call, app: Tree, selection: Selection) -> int:
    state = layouts.block(app, "status", "operationState")
    phase = layouts.text(state, "phase")
    if phase != "Succeeded":
        call.note(f"Operation has completed with phase: {phase or 'Unknown'}")
        message = layouts.text(state, "message")
        if message:
            call.note(message)
        return exit_codes.USAGE
    if not selection.is_everything or layouts.text(app, "status", "sync", "status") == "Synced":
        return exit_codes.OK
    left = [
        item
        for item in layouts.items(app, "status", "operationState", "syncResult", "resources")
        if layouts.text(item, "status") == "PruneSkipped"
    ]
    if left:
        call.note(f"{len(left)} resources require pruning")
        call.hint(f"holdfast app sync {layouts.text(app, 'metadata', 'name')} --prune")
        return exit_codes.USAGE
    return exit_codes.OK


def _version(done: Done) -> int:
    return int(layouts.text(done.tree, "metadata", "resourceVersion") or 0)


async def _wait(call: Call) -> int:
    values = call.values
    goal = Goal(
        sync=values.switch("sync"),
        health=values.switch("health"),
        suspended=values.switch("suspended"),
        degraded=values.switch("degraded"),
        operation=values.switch("operation"),
        deleted=values.switch("delete"),
        hydrated=values.switch("hydrated"),
        timeout_s=values.number("timeout"),
    )
    if not any((goal.sync, goal.health, goal.suspended, goal.degraded, goal.operation,
                goal.deleted, goal.hydrated)):  # fmt: skip
        goal = replace(goal, sync=True, health=True, operation=True)
    selection = Selection.parse(values.texts("resource"))
    async with call.link() as link:
        for app in await chosen_apps(call, link):
            await Progress(call, link, selection).wait(app, goal)
            if goal.deleted:
                call.say(f"application '{app.name}' deleted")
    return exit_codes.OK


async def _rollback(call: Call) -> int:
    app = call.app()
    async with call.link() as link:
        tree = await link.queries.answer(GetApplication(app), "")
        entry = _history_id(call, app, tree)
        command = RollBackApplication(app, entry, prune=call.values.switch("prune"))
        done = await link.commands.carry_out(command, "")
        for note in done.notes:
            call.note(note)
        goal = Goal(operation=True, since=_version(done), timeout_s=call.values.number("timeout"))
        await Progress(call, link, EVERYTHING).wait(app, goal)
    return exit_codes.OK


def _history_id(call: Call, app: AppKey, tree: Tree) -> int:
    if len(call.arguments) > 1:
        given = call.arguments[1]
        if not given.isdigit():
            raise UsageError(
                f'"{given}" is no history ID: `holdfast app history {app.name}` lists them'
            )
        return int(given)
    history = layouts.items(tree, "status", "history")
    if len(history) < 2:
        raise ConfigurationError(
            "HF3006",
            f"Application '{app.name}' should have at least two successful deployments",
            about=app,
            hint=f"`holdfast app history {app.name}` shows what was deployed",
        )
    return int(history[-2].get("id", 0))


async def _terminate(call: Call) -> int:
    app = call.app()
    async with call.link() as link:
        await link.commands.carry_out(TerminateOperation(app), "")
    call.say(f"Application '{app.name}' operation terminating")
    return exit_codes.OK


_OUTPUT = output_flag("wide", "json", "yaml", *TREES)
_TIMEOUT = Flag("timeout", "Seconds to wait; 0 is for ever.", FlagKind.COUNT, default="0")
_RESOURCE = Flag("resource", "Only these: [!]GROUP:KIND:[NAMESPACE/]NAME, with *.", _LINES)
_SELECTOR = Flag("selector", "All Applications with these labels.", short="l")

COMMANDS = {
    "sync": CommandSpec(
        "sync",
        "[APPNAME...]",
        "Make the cluster what git declares, and wait until it is.",
        _sync,
        (
            _SELECTOR,
            Flag("project", "All Applications of these projects.", FlagKind.STRINGS),
            Flag("dry-run", "Ask the cluster, change nothing.", _SWITCH),
            Flag("prune", "Remove what git no longer declares.", _SWITCH),
            *REVISION_FLAGS,
            _RESOURCE,
            Flag("label", "Only objects with this label.", _LINES),
            Flag("strategy", "With hooks or without.", choices=("apply", "hook")),
            Flag("force", "Delete and create again what cannot be changed.", _SWITCH),
            Flag("replace", "Replace objects instead of applying.", _SWITCH),
            Flag("server-side", "Accepted; every apply is a server-side apply.", _SWITCH),
            Flag("apply-out-of-sync-only", "Leave alone what is in sync.", _SWITCH),
            Flag("async", "Do not wait.", _SWITCH),
            _TIMEOUT,
            Flag("retry-limit", "Retries when it fails.", _NUMBER, default="0"),
            Flag("retry-refresh", "Resolve the revision anew at each retry.", _SWITCH),
            Flag("retry-backoff-duration", "First wait.", default="5s"),
            Flag("retry-backoff-max-duration", "Longest wait.", default="3m"),
            Flag("retry-backoff-factor", "Growth of the wait.", _NUMBER, default="2"),
            *LOCAL_FLAGS,
            Flag("info", "Note name=value for the operation.", _LINES),
            Flag("preview-changes", "Show the differences and ask first.", _SWITCH),
            Flag("assumeYes", "Answer yes to the question of --preview-changes.", _SWITCH),
            *DIFF_TUNING,
            _OUTPUT,
            APP_NAMESPACE,
        ),
        most=None,
        examples=(
            "holdfast app sync web --prune",
            "holdfast app sync web --resource apps:Deployment:web --dry-run",
        ),
    ),
    "wait": CommandSpec(
        "wait",
        "[APPNAME...]",
        "Wait until Applications are synced, healthy and at rest.",
        _wait,
        (
            Flag("sync", "Wait until it is synced.", _SWITCH),
            Flag("health", "Wait until it is healthy.", _SWITCH),
            Flag("operation", "Wait until no operation runs.", _SWITCH),
            Flag("suspended", "Wait until it is suspended.", _SWITCH),
            Flag("degraded", "Wait until it is degraded.", _SWITCH),
            Flag("delete", "Wait until it is gone.", _SWITCH),
            Flag("hydrated", "Wait until its branch is written.", _SWITCH),
            _SELECTOR,
            Flag("project", "All Applications of these projects.", FlagKind.STRINGS, hidden=True),
            _RESOURCE,
            _TIMEOUT,
            _OUTPUT,
            APP_NAMESPACE,
        ),
        most=None,
        examples=("holdfast app wait web --timeout 60", "holdfast app wait -l team=a --health"),
    ),
    "rollback": CommandSpec(
        "rollback",
        "APPNAME [ID]",
        "Go back to an earlier deployment, by default the one before.",
        _rollback,
        (
            Flag("prune", "Remove what that deployment did not have.", _SWITCH),
            _TIMEOUT,
            _OUTPUT,
            APP_NAMESPACE,
        ),
        least=1,
        most=2,
        examples=("holdfast app rollback web 3",),
    ),
    "terminate-op": CommandSpec(
        "terminate-op",
        "APPNAME",
        "Stop the running operation.",
        _terminate,
        (APP_NAMESPACE,),
        least=1,
        most=1,
    ),
}
