"""`proj role …`: who of a project may do what, and tokens for programs."""

from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.moments import parse_duration, utc
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.cli.proj.rewriting import find_named, read, rewrite

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.assembly.contexts import Server

Tree = dict[str, Any]


async def _list(call: Call) -> int:
    roles = (await read(call)).get("roles") or []
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(roles, form))
        return exit_codes.OK
    if form == "name":
        for role in roles:
            call.say(layouts.text(role, "name"))
        return exit_codes.OK
    rows = ((layouts.text(role, "name"), layouts.text(role, "description")) for role in roles)
    call.say(layouts.table(("ROLE-NAME", "DESCRIPTION"), rows))
    return exit_codes.OK


async def _get(call: Call) -> int:
    project, name = call.arguments
    role = find_named(await read(call), name, project)
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(role, form))
        return exit_codes.OK
    call.say(f"Role Name:     {name}")
    call.say(f"Description:   {layouts.text(role, 'description')}".rstrip())
    call.say("Policies:")
    for policy in role.get("policies") or ():
        call.say(str(policy))
    call.say("Groups:")
    for group in role.get("groups") or ():
        call.say(str(group))
    call.say("JWT Tokens:")
    call.say(_tokens(role, call.session.now(), in_seconds=False))
    return exit_codes.OK


async def _create(call: Call) -> int:
    _, name = call.arguments
    role: Tree = {"name": name}
    if call.values.text("description"):
        role["description"] = call.values.text("description")

    def with_it(spec: Tree) -> None:
        if any(one.get("name") == name for one in spec.get("roles") or ()):
            raise RefusedError(f"role '{name}' already exists in project '{call.arguments[0]}'")
        spec["roles"] = [*(spec.get("roles") or ()), role]

    await rewrite(call, with_it)
    call.say(f"Role '{name}' created")
    return exit_codes.OK


async def _delete(call: Call) -> int:
    project, name = call.arguments

    def without(spec: Tree) -> None:
        find_named(spec, name, project)
        spec["roles"] = [one for one in spec["roles"] if one.get("name") != name]

    await rewrite(call, without)
    call.say(f"Role '{name}' deleted")
    return exit_codes.OK


def _policy(call: Call) -> str:
    project, role = call.arguments
    values = call.values
    if not (values.text("action") and values.text("object")):
        raise UsageError('required flag(s) "action", "object" not set')
    rule = ("p", f"proj:{project}:{role}", values.text("resource"), values.text("action"),
            f"{project}/{values.text('object')}", values.text("permission"))  # fmt: skip
    return ", ".join(rule)


async def _changed(call: Call, name: str, item: str, *, adds: bool) -> int:
    project, role_name = call.arguments[:2]

    def change(spec: Tree) -> None:
        role = find_named(spec, role_name, project)
        items = list(role.get(name) or ())
        if (item in items) == adds:
            word = "exists already" if adds else "is not there"
            raise RefusedError(f"{item}: it {word} in role '{role_name}'")
        role[name] = [*items, item] if adds else [one for one in items if one != item]

    await rewrite(call, change)
    return exit_codes.OK


async def _add_policy(call: Call) -> int:
    return await _changed(call, "policies", _policy(call), adds=True)


async def _remove_policy(call: Call) -> int:
    return await _changed(call, "policies", _policy(call), adds=False)


async def _add_group(call: Call) -> int:
    code = await _changed(call, "groups", call.arguments[2], adds=True)
    call.say(f"Group '{call.arguments[2]}' added to role '{call.arguments[1]}'")
    return code


async def _remove_group(call: Call) -> int:
    code = await _changed(call, "groups", call.arguments[2], adds=False)
    call.say(f"Group '{call.arguments[2]}' removed from role '{call.arguments[1]}'")
    return code


async def _server(call: Call) -> "Server":
    """Return the server, which alone can sign a token.

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
            "a server signs tokens, and none is named",
            hint="holdfast login HOST:PORT, or give --server",
        )
    return found


async def _create_token(call: Call) -> int:
    from holdfast.assembly import sessions

    project, role = call.arguments
    text = call.values.text("expires-in")
    seconds = 0 if text in ("0", "0s") else int(parse_duration(text, "expires-in").total_seconds())
    made = await sessions.make_project_token(
        await _server(call), project, role, call.values.text("id"), seconds
    )
    if call.values.switch("token-only"):
        call.say(made)
    else:
        call.say(f"Create token succeeded for proj:{project}:{role}.\n  Token: {made}")
    return exit_codes.OK


async def _delete_token(call: Call) -> int:
    from holdfast.assembly import sessions

    project, role, issued = call.arguments
    if not issued.isdigit():
        raise UsageError(f'"{issued}": give ISSUED-AT as `proj role list-tokens -u` shows it')
    await sessions.delete_project_token(await _server(call), project, role, int(issued))
    return exit_codes.OK


async def _list_tokens(call: Call) -> int:
    project, name = call.arguments
    role = find_named(await read(call), name, project)
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(role.get("jwtTokens") or [], form))
        return exit_codes.OK
    shown = _tokens(role, call.session.now(), in_seconds=call.values.switch("unixtime"))
    call.say(shown)
    return exit_codes.OK


def _tokens(role: Tree, now: "datetime", *, in_seconds: bool) -> str:
    from datetime import datetime

    def moment(seconds: Any) -> str:
        if in_seconds or not seconds:
            return str(seconds or 0) if in_seconds else "<none>"
        return utc(datetime.fromtimestamp(int(seconds), now.tzinfo))

    rows = [
        (layouts.text(one, "id"), moment(one.get("iat")), moment(one.get("exp")))
        for one in role.get("jwtTokens") or ()
    ]
    return layouts.table(("ID", "ISSUED AT", "EXPIRES AT"), rows)


_FORMS = ("wide", "json", "yaml")
_POLICY = (
    Flag("action", "What is done: get, sync, delete and so on.", short="a"),
    Flag("object", "Name of the object, with *: `*`, `web-*`.", short="o"),
    Flag("permission", "Whether it may be done.", short="p", default="allow",
         choices=("allow", "deny")),
    Flag("resource", "What it is done to.", short="r", default="applications"),
)  # fmt: skip


def _output(*forms: str) -> Flag:
    return Flag("output", "How to print.", short="o", default="wide", choices=forms)


_ROLE = "PROJECT ROLE"
_SPECS = (
    CommandSpec("list", "PROJECT", "List the roles of a project.", _list,
                (_output(*_FORMS, "name"),), least=1, most=1),
    CommandSpec("get", _ROLE, "Show a role of a project.", _get, (_output(*_FORMS),),
                least=2, most=2),
    CommandSpec("create", _ROLE, "Create a role in a project.", _create,
                (Flag("description", "What it is for."),), least=2, most=2),
    CommandSpec("delete", _ROLE, "Delete a role of a project, with its tokens.", _delete,
                least=2, most=2),
    CommandSpec("add-policy", _ROLE, "Add a rule to a role.", _add_policy, _POLICY,
                least=2, most=2,
                examples=("holdfast proj role add-policy team-a ci -a sync -o '*'",)),
    CommandSpec("remove-policy", _ROLE, "Remove a rule from a role.", _remove_policy, _POLICY,
                least=2, most=2),
    CommandSpec("add-group", f"{_ROLE} GROUP", "Give a role to a group of the sign-in provider.",
                _add_group, least=3, most=3),
    CommandSpec("remove-group", f"{_ROLE} GROUP", "Take a role from a group.", _remove_group,
                least=3, most=3),
    CommandSpec("create-token", _ROLE, "Make a token of a role, and print it.", _create_token,
                (
                    Flag("expires-in", "How long it counts; 0s is for ever.", short="e",
                         default="0s", metavar="DURATION"),
                    Flag("id", "Its name; else one is made.", short="i", metavar="ID"),
                    Flag("token-only", "Print the token and nothing else.", FlagKind.SWITCH,
                         short="t"),
                ), least=2, most=2),
    CommandSpec("delete-token", f"{_ROLE} ISSUED-AT", "Take a token of a role away.",
                _delete_token, least=3, most=3),
    CommandSpec("list-tokens", _ROLE, "List the tokens of a role.", _list_tokens,
                (Flag("unixtime", "Times in seconds since 1970.", FlagKind.SWITCH, short="u"),
                 _output(*_FORMS)), least=2, most=2),
)  # fmt: skip
COMMANDS = {spec.name: spec for spec in _SPECS}
