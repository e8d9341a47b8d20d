"""`account …`: who may come in through a server, with words and layouts of api.md §4.4."""

from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.login import ask
from holdfast.cli.pflag import Flag, UsageError

if TYPE_CHECKING:
    from holdfast.assembly.contexts import Server

_NUMBERS = "%Y-%m-%dT%H:%M:%SZ"


async def _server(call: Call) -> "Server":
    """Return the server that is meant.

    Raises:
        ConfigurationError: HF3009, none is named.
    """
    import asyncio

    from holdfast.assembly.contexts import find_server
    from holdfast.domain.errors import ConfigurationError

    found = await asyncio.to_thread(find_server, call.target.server, call.session.environ)
    if found is None:
        raise ConfigurationError(
            "HF3009",
            "accounts belong to a server, and none is named",
            hint="holdfast login HOST:PORT, or give --server",
        )
    return found


def _output(default: str) -> Flag:
    return Flag(
        "output", "How to print.", short="o", default=default, choices=("wide", "json", "yaml")
    )


def _capabilities(account: dict[str, Any]) -> str:
    return ", ".join(account.get("capabilities") or ())


def _truth(value: object) -> str:
    return "true" if value else "false"


async def _list(call: Call) -> int:
    from holdfast.assembly import sessions

    found = await sessions.accounts(await _server(call))
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(found, form))
        return exit_codes.OK
    rows = [(one["name"], _truth(one.get("enabled")), _capabilities(one)) for one in found]
    call.say(layouts.table(("NAME", "ENABLED", "CAPABILITIES"), rows))
    return exit_codes.OK


async def _own_name(call: Call, server: "Server") -> str:
    from holdfast.assembly import sessions

    named = call.values.text("account")
    return named or str((await sessions.user_info(server)).get("username") or "")


async def _get(call: Call) -> int:
    from holdfast.assembly import sessions

    server = await _server(call)
    found = await sessions.account(server, await _own_name(call, server))
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(found, form))
        return exit_codes.OK
    call.say(layouts.label("Name", found["name"]))
    call.say(layouts.label("Enabled", _truth(found.get("enabled"))))
    call.say(layouts.label("Capabilities", _capabilities(found)))
    call.say("\nTokens:")
    tokens = found.get("tokens") or []
    if not tokens:
        call.say("NONE")
        return exit_codes.OK
    rows = [
        (one["id"], _moment(one.get("issuedAt")), _moment(one.get("expiresAt")) or "never")
        for one in tokens
    ]
    call.say(layouts.table(("ID", "ISSUED AT", "EXPIRING AT"), rows))
    return exit_codes.OK


def _moment(seconds: object) -> str:
    from datetime import UTC, datetime

    if not isinstance(seconds, int) or not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime(_NUMBERS)


async def _user_info(call: Call) -> int:
    from holdfast.assembly import sessions

    found = await sessions.user_info(await _server(call))
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(found, form))
        return exit_codes.OK
    call.say(f"Logged In: {_truth(found.get('loggedIn'))}")
    if found.get("loggedIn"):
        call.say(f"Username: {found.get('username', '')}")
        call.say(f"Issuer: {found.get('iss', '')}")
        call.say(f"Groups: {','.join(found.get('groups') or ())}")
    return exit_codes.OK


async def _can_i(call: Call) -> int:
    from holdfast.assembly import sessions

    action, resource, target = call.arguments
    call.say(await sessions.can_i(await _server(call), action, resource, target))
    return exit_codes.OK


async def _update_password(call: Call) -> int:
    from holdfast.assembly import sessions

    server, values = await _server(call), call.values
    mine = str((await sessions.user_info(server)).get("username") or "")
    name = values.text("account") or mine
    current = values.text("current-password") or ask(
        call, f"*** Enter password of currently logged in user ({mine}): ", hidden=True
    )
    new = values.text("new-password")
    if not new:
        new = ask(call, f"*** Enter new password for user {name}: ", hidden=True)
        if ask(call, f"*** Confirm new password for user {name}: ", hidden=True) != new:
            raise UsageError("the passwords do not match")
    await sessions.change_password(server, name, current, new)
    call.say("Password updated")
    if name == mine and server.context:
        await _sign_in_again(call, server, name, new)
    return exit_codes.OK


async def _sign_in_again(call: Call, server: "Server", name: str, password: str) -> None:
    """A new password ends the tokens of the old one."""
    import asyncio
    from dataclasses import replace

    from holdfast.assembly import sessions
    from holdfast.assembly.contexts import ContextFile

    contexts = await asyncio.to_thread(
        ContextFile.read, call.target.server.config, call.session.environ
    )
    current = contexts.current
    token = await sessions.sign_in(server, name, password)
    contexts.put(server.context, replace(server, token=token))
    contexts.tree["current-context"] = current
    await asyncio.to_thread(contexts.save)
    call.say(f"Context '{server.context}' updated")


async def _generate_token(call: Call) -> int:
    from holdfast.assembly import sessions
    from holdfast.cli.moments import parse_duration

    server, values = await _server(call), call.values
    text = values.text("expires-in")
    seconds = 0 if text in ("0", "0s") else int(parse_duration(text, "expires-in").total_seconds())
    name = await _own_name(call, server)
    call.say(await sessions.make_token(server, name, values.text("id"), seconds))
    return exit_codes.OK


async def _delete_token(call: Call) -> int:
    from holdfast.assembly import sessions

    server = await _server(call)
    await sessions.delete_token(server, await _own_name(call, server), call.arguments[0])
    return exit_codes.OK


async def _session_token(call: Call) -> int:
    from holdfast.domain.errors import ConfigurationError

    server = await _server(call)
    if not server.token:
        raise ConfigurationError(
            "HF3015",
            f"nobody is signed in to {server.address} here",
            hint=f"holdfast login {server.address}",
        )
    form = call.values.text("output")
    call.say(render({"token": server.token}, form) if form in STRUCTURED else server.token)
    return exit_codes.OK


async def _bcrypt(call: Call) -> int:
    from holdfast.assembly.sessions import hash_password

    password = call.values.text("password") or ask(call, "Password: ", hidden=True)
    call.say(await hash_password(password))
    return exit_codes.OK


_ACCOUNT = Flag("account", "Name of the account; else one's own.", short="a", metavar="NAME")
COMMANDS = {
    "list": CommandSpec("list", "", "List accounts.", _list, (_output("wide"),)),
    "get": CommandSpec("get", "", "Show an account and its tokens.", _get,
                       (_ACCOUNT, _output("wide"))),
    "get-user-info": CommandSpec(
        "get-user-info", "", "Show who is signed in.", _user_info,
        (Flag("output", "How to print.", short="o", choices=("json", "yaml")),),
    ),
    "can-i": CommandSpec(
        "can-i", "ACTION RESOURCE SUBRESOURCE", "Say whether one may do something: yes or no.",
        _can_i, least=3, most=3,
        examples=("holdfast account can-i sync applications default/shop",),
    ),
    "update-password": CommandSpec(
        "update-password", "", "Change a password.", _update_password,
        (
            Flag("account", "Name of the account; else one's own.", metavar="NAME"),
            Flag("current-password", "Password of who is signed in.", metavar="TEXT"),
            Flag("new-password", "The new password.", metavar="TEXT"),
        ),
    ),
    "generate-token": CommandSpec(
        "generate-token", "", "Make an API key, and print it.", _generate_token,
        (
            _ACCOUNT,
            Flag("expires-in", "How long it counts; 0s is for ever.", short="e", default="0s",
                 metavar="DURATION"),
            Flag("id", "Its name; else one is made.", metavar="ID"),
        ),
    ),
    "delete-token": CommandSpec(
        "delete-token", "ID", "Take an API key away.", _delete_token, (_ACCOUNT,), least=1, most=1,
    ),
    "session-token": CommandSpec(
        "session-token", "", "Print the token of who is signed in, for other programs.",
        _session_token, (Flag("output", "How to print.", short="o", choices=("json",)),),
    ),
    "bcrypt": CommandSpec(
        "bcrypt", "", "Print the bcrypt hash of a password.", _bcrypt,
        (Flag("password", "Password; asked for when it is left out.", metavar="TEXT"),),
        reaches_cluster=False,
    ),
}  # fmt: skip
