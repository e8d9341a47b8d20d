"""`login`, `logout`, `relogin`, `context`: servers that commands go through (api.md §4.3, §4.4)."""

import sys
from typing import TYPE_CHECKING

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, UsageError

if TYPE_CHECKING:
    from holdfast.assembly.contexts import ContextFile, Server

_PASSWORD = Flag("password", "Password; asked for when it is left out.", metavar="TEXT")


async def _contexts(call: Call) -> "ContextFile":
    import asyncio

    from holdfast.assembly.contexts import ContextFile

    return await asyncio.to_thread(
        ContextFile.read, call.target.server.config, call.session.environ
    )


async def _save(contexts: "ContextFile") -> None:
    import asyncio

    await asyncio.to_thread(contexts.save)


def ask(call: Call, question: str, *, hidden: bool = False) -> str:
    """Ask the person; a password is not shown, and may come through a pipe."""
    if hidden and call.session.stdin is sys.stdin and sys.stdin.isatty():
        import getpass

        return getpass.getpass(question)
    print(question, end="", file=call.session.err, flush=True)
    return call.session.stdin.readline().rstrip("\n")


def _agrees(call: Call, warning: str) -> bool:
    return ask(call, f"WARNING: {warning}. Proceed (y/n)? ").strip().lower() in ("y", "yes")


async def _login(call: Call) -> int:
    import asyncio
    from dataclasses import replace

    from holdfast.assembly.contexts import find_server
    from holdfast.assembly.sessions import sign_in

    values, chosen = call.values, call.target.server
    address = call.arguments[0]
    chosen = replace(chosen, address=address, context="", token="", is_off=False)
    server = await asyncio.to_thread(find_server, chosen, call.session.environ)
    assert server is not None  # noqa: S101 - an address was given
    if values.switch("skip-test-tls") is False:
        tested = await _tested(call, server)
        if tested is None:
            return exit_codes.USAGE
        server = tested
    username = values.text("username") or ask(call, "Username: ")
    password = values.text("password") or ask(call, "Password: ", hidden=True)
    token = await sign_in(server, username, password)
    call.say(f"'{username}' logged in successfully")
    name = values.text("name") or server.address  # with its path: one host may have several
    contexts = await _contexts(call)
    contexts.put(name, replace(server, token=token))
    await _save(contexts)
    call.say(f"Context '{name}' updated")
    return exit_codes.OK


async def _tested(call: Call, server: "Server") -> "Server | None":
    """Return the server as it can be reached; None when the person does not want that."""
    from dataclasses import replace

    from holdfast.assembly.sessions import Reached, try_tls

    if server.plaintext or server.insecure:
        return server
    match await try_tls(server):
        case Reached.NO_TLS:
            if _agrees(call, "server is not configured with TLS"):
                return replace(server, plaintext=True)
            return None
        case Reached.UNKNOWN_CERTIFICATE:
            if _agrees(call, "the server's certificate is not known here"):
                return replace(server, insecure=True)
            return None
        case Reached.SECURE:
            return server


async def _relogin(call: Call) -> int:
    from dataclasses import replace

    from holdfast.assembly.sessions import sign_in, subject_of

    contexts = await _contexts(call)
    name = call.target.server.context or contexts.current
    server = contexts.find(name) if name else None
    if server is None:
        call.note("No context found. Login using `holdfast login`")
        return exit_codes.USAGE
    username = subject_of(server.token) or ask(call, "Username: ")
    call.note(f"Relogging in as '{username}'")
    password = call.values.text("password") or ask(call, "Password: ", hidden=True)
    token = await sign_in(server, username, password)
    contexts.put(name, replace(server, token=token))
    await _save(contexts)
    call.say(f"Context '{name}' updated")
    return exit_codes.OK


async def _logout(call: Call) -> int:
    from holdfast.assembly.sessions import sign_out
    from holdfast.domain.errors import HoldfastError

    contexts, name = await _contexts(call), call.arguments[0]
    server = contexts.find(name)
    if server is None:
        raise UsageError(f'Nothing to logout from: there is no context "{name}"')
    if not contexts.forget_token(name):
        raise UsageError(f'Nobody is signed in to "{name}"')
    await _save(contexts)
    try:
        await sign_out(server)
    except HoldfastError as error:
        call.note(f"the token is forgotten here, but the server did not hear of it: {error}")
    call.say(f"Logged out from '{name}'")
    return exit_codes.OK


async def _context(call: Call) -> int:
    import asyncio

    contexts = await _contexts(call)
    name = call.arguments[0] if call.arguments else ""
    if call.values.switch("delete"):
        if not name:
            raise UsageError("--delete needs the name of a context")
        if not contexts.delete(name):
            raise UsageError(f'Context "{name}" does not exist')
        await _save(contexts)
        call.say(f"Context '{name}' deleted")
        return exit_codes.OK
    if name:
        if name == contexts.current:
            call.say(f"Already at context '{name}'")
            return exit_codes.OK
        name = await asyncio.to_thread(contexts.switch, name)
        await _save(contexts)
        call.say(f"Switched to context '{name}'")
        return exit_codes.OK
    if not contexts.tree:
        call.note("No local configuration found")
        return exit_codes.USAGE
    rows = [("*" if one == contexts.current else "", one, at) for one, at in contexts.names()]
    call.say(layouts.table(("CURRENT", "NAME", "SERVER"), rows))
    return exit_codes.OK


_SWITCH = FlagKind.SWITCH
COMMANDS = {
    "login": CommandSpec(
        "login",
        "SERVER",
        "Sign in to a Holdfast server; from then on commands go through it.",
        _login,
        (
            Flag("username", "Name of the account; asked for when it is left out."),
            _PASSWORD,
            Flag("name", "Name of the context; else the address.", metavar="NAME"),
            Flag("skip-test-tls", "Do not look first whether the server has TLS.", _SWITCH),
        ),
        least=1,
        most=1,
        examples=("holdfast login localhost:8080 --plaintext --username admin",),
    ),
    "relogin": CommandSpec(
        "relogin", "", "Sign in again to the server of the current context.", _relogin,
        (_PASSWORD,),
    ),
    "logout": CommandSpec(
        "logout", "CONTEXT", "Sign out: the token of a context is revoked and forgotten.",
        _logout, least=1, most=1,
    ),
    "context": CommandSpec(
        "context", "[CONTEXT]", "List servers, or make one the current one (`-`: the one before).",
        _context, (Flag("delete", "Remove the context.", _SWITCH),), most=1,
        examples=("holdfast context", "holdfast context -", "holdfast context old --delete"),
    ),
}  # fmt: skip
