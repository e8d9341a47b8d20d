"""`repocreds add|list|rm`: credentials for every repository below a URL (api.md §4.4)."""

from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.repo_flags import OUTPUT, SIGN_IN_FLAGS, sign_in_values


async def _add(call: Call) -> int:
    from holdfast.domain.stored_settings import PutRepoCreds

    values = sign_in_values(call)
    command = PutRepoCreds(values, upsert=call.values.switch("upsert"))
    async with call.link() as link:
        await link.commands.carry_out(command, "")
    call.say(f"Repository credentials for '{values['url']}' added")
    return exit_codes.OK


async def _list(call: Call) -> int:
    from holdfast.domain.stored_settings import ListRepoCreds

    async with call.link() as link:
        found: list[dict[str, Any]] = await link.queries.answer(ListRepoCreds(), "")
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(found, form))
    elif form == "url":
        for tree in found:
            call.say(tree["url"])
    else:
        header = ("URL PATTERN", "USERNAME", "SSH_CREDS", "TLS_CREDS")
        rows = (
            (
                tree["url"],
                layouts.text(tree, "username") or "-",
                _truth(layouts.text(tree, "credentialsKind") == "ssh key"),
                _truth(layouts.text(tree, "credentialsKind") == "certificate"),
            )
            for tree in found
        )
        call.say(layouts.table(header, rows))
    return exit_codes.OK


def _truth(value: object) -> str:
    return "true" if value else "false"


async def _remove(call: Call) -> int:
    from holdfast.domain.stored_settings import DeleteRepoCreds

    async with call.link() as link:
        for url in call.arguments:
            await link.commands.carry_out(DeleteRepoCreds(url), "")
            call.say(f"Repository credentials for '{url}' removed")
    return exit_codes.OK


COMMANDS = {
    "add": CommandSpec(
        "add", "URL",
        "Keep credentials for every repository whose URL begins like this and that has none of "
        "its own.",
        _add, SIGN_IN_FLAGS, least=1, most=1,
        examples=("holdfast repocreds add https://git.example.com/team --username ci",),
    ),
    "list": CommandSpec("list", "", "List credentials, without what signs in.", _list, (OUTPUT,)),
    "rm": CommandSpec("rm", "URL...", "Forget credentials.", _remove, (), least=1, most=None),
}  # fmt: skip
