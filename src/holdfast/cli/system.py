"""`status`, `version`, `completion`: Holdfast itself."""

import platform
from typing import Any

import click

from holdfast import __version__
from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.pflag import Flag, FlagKind
from holdfast.domain.queries import GetStatus


async def _status(call: Call) -> int:
    form = call.values.text("output")
    async with call.link() as link:
        status = await link.queries.answer(GetStatus(), "")
    if form in STRUCTURED:
        call.say(render(status, form))
    else:
        call.say(_sheet(status))
    return exit_codes.OK if status.get("connected") else exit_codes.FAILED


def _lag(words: str | None) -> str:
    """What the leader tells is how long ago the quietest watch spoke: the lag is no longer."""
    return f"each watch heard from the cluster within {words}" if words else "-"


def _sheet(status: dict[str, Any]) -> str:
    apps = status.get("applications") or {}
    lines = [
        layouts.label("Connected", _yes(status.get("connected"))),
        layouts.label("Cluster", f"{status.get('server', '-')} ({status.get('version', '-')})"),
        layouts.label("Namespace", status.get("namespace", "-")),
        layouts.label("Leader", status.get("leader") or "none: no controller is running"),
        layouts.label("Lease renewed", status.get("leaseRenewed") or "-"),
        layouts.label("Watch lag", _lag(status.get("watchLag"))),
        layouts.label("Notifications", status.get("notifications") or "-"),
        layouts.label("Journal", status.get("journal") or "-"),
        layouts.label("Applications", ", ".join(f"{n} {word}" for word, n in apps.items()) or "0"),
    ]
    for title, counts in (
        ("Behind git", status.get("behindGit") or {}),
        ("Drifted", status.get("drifted") or {}),
    ):
        if counts.get("applications"):
            lines.append(layouts.label(title, _counted(counts)))
    errors = status.get("lastErrors") or []
    if errors:
        rows = [(e.get("app", ""), e.get("type", ""), e.get("message", "")) for e in errors]
        lines += ["", layouts.table(("APPLICATION", "ERROR", "MESSAGE"), rows)]
    else:
        lines.append(layouts.label("Last errors", "none"))
    return "\n".join(lines)


def _counted(counts: dict[str, int]) -> str:
    objects = layouts.count_of(counts["objects"], "object")
    return f"{objects} of {layouts.count_of(counts['applications'], 'application')}"


def _yes(value: Any) -> str:
    return "yes" if value else "no"


async def _version(call: Call) -> int:
    form = call.values.text("output") or ("short" if call.values.switch("short") else "wide")
    client = {
        "Version": f"v{__version__}",
        "PythonVersion": platform.python_version(),
        "Platform": f"{platform.system().lower()}/{platform.machine()}",
    }
    server = {}
    if not call.values.switch("client"):
        server = await _server_version(call)
    if form in STRUCTURED:
        call.say(render({"client": client, **({"server": server} if server else {})}, form))
        return exit_codes.OK
    call.say(f"holdfast: {client['Version']}")
    if form != "short":
        call.say(f"  PythonVersion: {client['PythonVersion']}")
        call.say(f"  Platform: {client['Platform']}")
    if server:
        call.say(f"kubernetes: {server['Version']}")
    return exit_codes.OK


async def _server_version(call: Call) -> dict[str, str]:
    from holdfast.domain.errors import HoldfastError

    try:
        async with call.link() as link:
            status = await link.queries.answer(GetStatus(), "")
    except HoldfastError as error:
        call.note(f"the cluster's version is not known: {error.message}")
        return {}
    return {"Version": str(status.get("version", ""))}


async def _completion(call: Call) -> int:
    from click.shell_completion import get_completion_class

    from holdfast.cli.root import root_command

    kind = get_completion_class(call.arguments[0])
    if kind is None:
        raise click.UsageError(f'"{call.arguments[0]}" is no shell: give bash, zsh or fish')
    source = kind(root_command(), {}, "holdfast", "_HOLDFAST_COMPLETE")
    call.say(source.source_template % source.source_vars())
    return exit_codes.OK


COMMANDS = {
    "status": CommandSpec(
        "status",
        "",
        "Show how Holdfast itself does: connected, who leads, watch lag, last errors.",
        _status,
        (Flag("output", "How to print.", short="o", default="wide",
              choices=("wide", "json", "yaml")),),
    ),
    "version": CommandSpec(
        "version",
        "",
        "Print the version of Holdfast and of the cluster.",
        _version,
        (
            Flag("client", "Leave the cluster out.", FlagKind.SWITCH),
            Flag("short", "Numbers only.", FlagKind.SWITCH),
            Flag("output", "How to print.", short="o", choices=("wide", "json", "yaml", "short")),
        ),
    ),
    "completion": CommandSpec(
        "completion",
        "bash|zsh|fish",
        "Print shell completion code.",
        _completion,
        least=1,
        most=1,
        examples=('eval "$(holdfast completion bash)"', "holdfast completion fish | source"),
        reaches_cluster=False,
    ),
}  # fmt: skip
