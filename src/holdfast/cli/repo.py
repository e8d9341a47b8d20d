"""`repo add|list|get|rm`: repositories and how to sign in to them (api.md §4.4)."""

from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render, without_times
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.cli.repo_flags import OUTPUT, SIGN_IN_FLAGS, sign_in_values

Tree = dict[str, Any]
_SWITCH = FlagKind.SWITCH
_PROJECT = Flag("project", "Project that it belongs to.", metavar="NAME")
_REFRESH = Flag("refresh", "`hard` tries each anew.", choices=("hard",))
_HEADER = ("TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE",
           "PROJECT")  # fmt: skip


async def _add(call: Call) -> int:
    from holdfast.domain.stored_settings import PutRepository

    flags, values = call.values, sign_in_values(call)
    for flag in ("name", "project"):
        if flags.text(flag):
            values[flag] = flags.text(flag)
    if flags.switch("insecure-skip-server-verification") or flags.switch(
        "insecure-ignore-host-key"
    ):
        values["insecure"] = "true"
    if flags.switch("enable-lfs"):
        values["enableLfs"] = "true"
    if flags.is_given("depth"):
        values["depth"] = flags.text("depth")
    async with call.link() as link:
        command = PutRepository(values, upsert=flags.switch("upsert"))
        done = await link.commands.carry_out(command, "")
    for note in done.notes:
        call.note(note)
    call.say(f"Repository '{values['url']}' added")
    return exit_codes.OK


async def _found(call: Call, url: str = "") -> list[Tree]:
    from holdfast.domain.stored_settings import ListRepositories

    query = ListRepositories(refresh=call.values.text("refresh") == "hard", url=url)
    async with call.link() as link:
        found: list[Tree] = await link.queries.answer(query, "")
    return found


async def _list(call: Call) -> int:
    _print(call, await _found(call))
    return exit_codes.OK


async def _get(call: Call) -> int:
    from holdfast.domain.errors import ConfigurationError

    wanted, project = call.arguments[0], call.values.text("project")
    same = await _found(call, wanted)
    mine = [tree for tree in same if str(tree.get("project") or "") == project]
    chosen = mine or (same if len(same) == 1 and not project else [])
    if not chosen:
        raise ConfigurationError(
            "HF3017", f"there is no repository {wanted} here", hint="`holdfast repo list` shows all"
        )
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(without_times(chosen[0]), form))
    else:
        _print(call, chosen)
    return exit_codes.OK


def _print(call: Call, found: list[Tree]) -> None:
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render([without_times(tree) for tree in found], form))
    elif form == "url":
        for tree in found:
            call.say(tree["repo"])
    else:
        call.say(layouts.table(_HEADER, (_row(tree) for tree in found)))


def _row(tree: Tree) -> tuple[str, ...]:
    state = layouts.block(tree, "connectionState")
    return (
        layouts.text(tree, "type"),
        layouts.text(tree, "name"),
        layouts.text(tree, "repo"),
        _truth(tree.get("insecure")),
        _truth(tree.get("enableOCI")),
        _truth(tree.get("enableLfs")),
        "inherited"
        if tree.get("inheritedCreds")
        else _truth(tree.get("credentialsKind") or tree.get("username")),
        layouts.text(state, "status"),
        layouts.text(state, "message"),
        layouts.text(tree, "project"),
    )


def _truth(value: object) -> str:
    return "true" if value else "false"


async def _remove(call: Call) -> int:
    from holdfast.domain.stored_settings import DeleteRepository

    if not call.arguments:
        raise UsageError("name a repository: holdfast repo rm URL")
    async with call.link() as link:
        for url in call.arguments:
            command = DeleteRepository(url, call.values.text("project"))
            await link.commands.carry_out(command, "")
            call.say(f"Repository '{url}' removed")
    return exit_codes.OK


COMMANDS = {
    "add": CommandSpec(
        "add", "URL",
        "Keep a repository and how to sign in to it. It is read first: nothing is kept that "
        "cannot be reached.",
        _add,
        (
            *SIGN_IN_FLAGS,
            Flag("name", "A name for people.", metavar="NAME"),
            _PROJECT,
            Flag("insecure-skip-server-verification",
                 "Accept any certificate and any host key.", _SWITCH),
            Flag("insecure-ignore-host-key", "The same, as it was called before.", _SWITCH,
                 hidden=True),
            Flag("enable-lfs", "It holds large files (git LFS).", _SWITCH),
            Flag("depth", "How many commits are fetched; Holdfast fetches one.", FlagKind.COUNT),
        ),
        least=1, most=1,
        examples=(
            "holdfast repo add https://git.example.com/team/shop.git --username ci",
            "holdfast repo add git@git.example.com:team/shop.git \\",
            "    --ssh-private-key-path ~/.ssh/id_ed25519",
        ),
    ),
    "list": CommandSpec(
        "list", "", "List repositories and whether they can be read.", _list, (OUTPUT, _REFRESH)
    ),
    "get": CommandSpec(
        "get", "URL", "Show a repository.", _get, (OUTPUT, _REFRESH, _PROJECT), least=1, most=1
    ),
    "rm": CommandSpec(
        "rm", "URL...", "Forget repositories and their credentials.", _remove, (_PROJECT,),
        least=1, most=None,
    ),
}  # fmt: skip
