"""`proj windows …`: when the Applications of a project may be synced, and healed."""

from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec, Handler
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.cli.proj.rewriting import dict_of, rewrite
from holdfast.domain.queries import GetProject, GetProjectWindows

Tree = dict[str, Any]
_SWITCH, _STRINGS = FlagKind.SWITCH, FlagKind.STRINGS
_TEXTS = {"kind": "kind", "schedule": "schedule", "duration": "duration",
          "time-zone": "timeZone", "description": "description"}  # fmt: skip
_LISTS = ("applications", "namespaces", "clusters")
_SWITCHES = {"manual-sync": "manualSync", "use-and-operator": "andOperator",
             "sync-overrun": "syncOverrun"}  # fmt: skip
_HEADER = ("ID", "STATUS", "KIND", "SCHEDULE", "DURATION", "APPLICATIONS", "NAMESPACES",
           "CLUSTERS", "MANUALSYNC", "SYNCOVERRUN", "TIMEZONE", "USEANDOPERATOR")  # fmt: skip


async def _list(call: Call) -> int:
    name, form = call.arguments[0], call.values.text("output")
    async with call.link() as link:
        tree = await link.queries.answer(GetProject(name), "")
        active = await link.queries.answer(GetProjectWindows(name), "")
    windows = (tree.get("spec") or {}).get("syncWindows") or []
    if form in STRUCTURED:
        call.say(render(windows, form))
        return exit_codes.OK
    rows = (_row(number, one, is_active=one in active) for number, one in enumerate(windows))
    call.say(layouts.table(_HEADER, rows))
    return exit_codes.OK


def _row(number: int, window: Tree, *, is_active: bool) -> tuple[str, ...]:
    lists = [",".join(window.get(name) or ()) or "-" for name in _LISTS]
    return (
        str(number),
        "Active" if is_active else "Inactive",
        layouts.text(window, "kind"),
        layouts.text(window, "schedule"),
        layouts.text(window, "duration"),
        *lists,
        "Enabled" if window.get("manualSync") else "Disabled",
        "Enabled" if window.get("syncOverrun") else "Disabled",
        layouts.text(window, "timeZone") or "UTC",
        "Enabled" if window.get("andOperator") else "Disabled",
    )


def _given(call: Call, window: Tree) -> None:
    """Put what the flags say into a window."""
    values = call.values
    for flag, name in _TEXTS.items():
        if values.is_given(flag):
            window[name] = values.text(flag)
    for flag in _LISTS:
        if values.is_given(flag):
            window[flag] = list(values.texts(flag))
    for flag, name in _SWITCHES.items():
        if values.is_given(flag):
            window[name] = values.switch(flag)


async def _add(call: Call) -> int:
    missing = [name for name in ("kind", "schedule", "duration") if not call.values.text(name)]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise UsageError(f"required flag(s) {names} not set")
    if not any(call.values.texts(name) for name in _LISTS):
        raise UsageError("say what it is about: --applications, --namespaces or --clusters")
    window: Tree = {"timeZone": "UTC"}
    _given(call, window)

    def with_it(spec: Tree) -> None:
        if window in (spec.get("syncWindows") or ()):
            raise RefusedError("the project has this window already")
        spec["syncWindows"] = [*(spec.get("syncWindows") or ()), window]

    await rewrite(call, with_it)
    return exit_codes.OK


def _at(spec: Tree, text: str, project: str) -> int:
    windows = spec.get("syncWindows") or []
    if not text.isdigit() or int(text) >= len(windows):
        raise RefusedError(
            f"project '{project}' has no window {text}\n\n"
            f"hint: `holdfast proj windows list {project}` shows what it has"
        )
    return int(text)


async def _update(call: Call) -> int:
    project, number = call.arguments
    if not call.values.any_given((*_TEXTS, *_LISTS, *_SWITCHES)):
        raise UsageError("please set at least one option to update")

    def changed(spec: Tree) -> None:
        place = _at(spec, number, project)
        _given(call, dict_of(spec["syncWindows"][place]))

    await rewrite(call, changed)
    return exit_codes.OK


async def _delete(call: Call) -> int:
    project, number = call.arguments

    def without(spec: Tree) -> None:
        place = _at(spec, number, project)
        spec["syncWindows"] = [one for at, one in enumerate(spec["syncWindows"]) if at != place]

    await rewrite(call, without)
    return exit_codes.OK


def _switched(name: str, *, on: bool) -> Handler:
    async def run(call: Call) -> int:
        project, number = call.arguments

        def changed(spec: Tree) -> None:
            place = _at(spec, number, project)  # first: it says that there is none
            dict_of(spec["syncWindows"][place])[name] = on

        await rewrite(call, changed)
        return exit_codes.OK

    return run


_WINDOW = (
    Flag("kind", "Whether syncs are allowed or denied then.", short="k",
         choices=("allow", "deny")),
    Flag("schedule", "When it begins, as cron: '0 22 * * *'."),
    Flag("duration", "How long it lasts: 1h, 30m."),
    Flag("applications", "Applications that it is about, with *.", _STRINGS),
    Flag("namespaces", "Namespaces that it is about, with *.", _STRINGS),
    Flag("clusters", "Clusters that it is about, with *.", _STRINGS),
    Flag("manual-sync", "Syncs by hand pass.", _SWITCH),
    Flag("time-zone", "Time zone of the schedule, as Europe/Berlin; else UTC."),
    Flag("use-and-operator", "All of applications, namespaces, clusters must fit.", _SWITCH),
    Flag("sync-overrun", "A sync that runs may end after the window.", _SWITCH),
    Flag("description", "What it is for."),
)  # fmt: skip


def _switch(word: str, noun: str, name: str, what: str) -> CommandSpec:
    handler = _switched(name, on=word == "enable")
    does = "Let" if word == "enable" else "Do not let"
    return CommandSpec(
        f"{word}-{noun}", "PROJECT ID", f"{does} {what}.", handler, least=2, most=2
    )  # fmt: skip


_SPECS = (
    CommandSpec("list", "PROJECT", "List the sync windows of a project.", _list,
                (Flag("output", "How to print.", short="o", default="wide",
                      choices=("wide", "json", "yaml")),), least=1, most=1),
    CommandSpec("add", "PROJECT", "Add a sync window to a project.", _add, _WINDOW,
                least=1, most=1,
                examples=("holdfast proj windows add team-a -k deny --schedule '0 22 * * *' "
                          "--duration 8h --applications '*'",)),
    CommandSpec("update", "PROJECT ID", "Change a sync window of a project.", _update, _WINDOW,
                least=2, most=2),
    CommandSpec("delete", "PROJECT ID", "Delete a sync window of a project.", _delete,
                least=2, most=2),
    _switch("enable", "manual-sync", "manualSync", "syncs by hand pass a window"),
    _switch("disable", "manual-sync", "manualSync", "syncs by hand pass a window"),
    _switch("enable", "sync-overrun", "syncOverrun", "a sync that runs end after a window"),
    _switch("disable", "sync-overrun", "syncOverrun", "a sync that runs end after a window"),
)  # fmt: skip
COMMANDS = {spec.name: spec for spec in _SPECS}
