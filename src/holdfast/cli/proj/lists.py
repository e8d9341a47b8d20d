"""`proj add-…`, `proj remove-…`, `proj allow-…`, `proj deny-…`: what a project permits."""

from collections.abc import Callable
from typing import Any

from holdfast.cli import exit_codes
from holdfast.cli.command import Call, CommandSpec, Handler
from holdfast.cli.pflag import Flag
from holdfast.cli.proj.rewriting import add, remove, rewrite

Tree = dict[str, Any]
Change = Callable[[Tree, str, Any, str], None]
Item = Callable[[Call], tuple[Any, str]]


def _destination(call: Call) -> tuple[Tree, str]:
    _, server, namespace = call.arguments
    item = {"server": server, "namespace": namespace}
    if call.values.text("name"):
        item["name"] = call.values.text("name")
    return item, f"destination {server}, {namespace}"


def _source(call: Call) -> tuple[str, str]:
    return call.arguments[1], f"source repository {call.arguments[1]}"


def _source_namespace(call: Call) -> tuple[str, str]:
    return call.arguments[1], f"source namespace {call.arguments[1]}"


def _signature_key(call: Call) -> tuple[Tree, str]:
    return {"keyID": call.arguments[1]}, f"signature key {call.arguments[1]}"


def _service_account(call: Call) -> tuple[Tree, str]:
    _, server, namespace, account = call.arguments
    home = call.values.text("service-account-namespace")
    named = f"{home}:{account}" if home else account
    item = {"server": server, "namespace": namespace, "defaultServiceAccount": named}
    return item, f"service account {named} for {server}, {namespace}"


def _kind(call: Call) -> tuple[Tree, str]:
    _, group, kind, *name = call.arguments
    item = {"group": group, "kind": kind, **({"name": name[0]} if name else {})}
    return item, f"{group}/{kind}{f' {name[0]}' if name else ''}"


def _listed(name: str, item: Item, change: Change) -> Handler:
    async def run(call: Call) -> int:
        value, words = item(call)
        await rewrite(call, lambda spec: change(spec, name, value, words))
        return exit_codes.OK

    return run


def _orphaned(change: Change) -> Handler:
    async def run(call: Call) -> int:
        _, group, kind = call.arguments
        item = {"group": group, "kind": kind}
        if call.values.text("name"):
            item["name"] = call.values.text("name")

        def ignore(spec: Tree) -> None:
            watched = dict(spec.get("orphanedResources") or {})
            change(watched, "ignore", item, f"orphaned {group}/{kind}")
            spec["orphanedResources"] = watched

        await rewrite(call, ignore)
        return exit_codes.OK

    return run


def _permission(scope: str, *, allows: bool) -> Handler:
    """Allow: into the list of what is allowed, or out of what is denied; deny: the reverse."""

    async def run(call: Call) -> int:
        item, words = _kind(call)
        is_white = call.values.text("list") == "allow"
        name = f"{scope}Resource{'Whitelist' if is_white else 'Blacklist'}"
        change = add if allows == is_white else remove
        await rewrite(call, lambda spec: change(spec, name, item, words))
        return exit_codes.OK

    return run


_NAME = Flag("name", "Name of the cluster.")
_ORPHAN_NAME = Flag("name", "Only objects of this name, with *.")
_ACCOUNT_HOME = Flag("service-account-namespace", "Namespace of the service account.")


def _pair(
    noun: str, usage: str, what: str, makes: Callable[[Change], Handler], *flags: Flag
) -> tuple[CommandSpec, CommandSpec]:
    count = len(usage.split())
    return (
        CommandSpec(f"add-{noun}", usage, f"Add {what} to a project.", makes(add), flags,
                    least=count, most=count),
        CommandSpec(f"remove-{noun}", usage, f"Remove {what} from a project.", makes(remove),
                    flags, least=count, most=count),
    )  # fmt: skip


def _permit(scope: str, noun: str, default: str) -> tuple[CommandSpec, CommandSpec]:
    flags = (
        Flag("list", "Which list is changed.", short="l", default=default,
             choices=("allow", "deny")),
    )  # fmt: skip
    named = " [NAME]" if scope == "cluster" else ""
    usage, most = f"PROJECT GROUP KIND{named}", 4 if named else 3
    where = "a kind without a namespace" if scope == "cluster" else "a kind"
    return (
        CommandSpec(f"allow-{noun}", usage, f"Allow {where} in a project.",
                    _permission(scope, allows=True), flags, least=3, most=most),
        CommandSpec(f"deny-{noun}", usage, f"Deny {where} in a project.",
                    _permission(scope, allows=False), flags, least=3, most=most),
    )  # fmt: skip


_SPECS = (
    *_pair("destination", "PROJECT SERVER NAMESPACE", "a destination",
           lambda change: _listed("destinations", _destination, change), _NAME),
    *_pair("source", "PROJECT URL", "a repository",
           lambda change: _listed("sourceRepos", _source, change)),
    *_pair("source-namespace", "PROJECT NAMESPACE", "a namespace whose Applications may use it",
           lambda change: _listed("sourceNamespaces", _source_namespace, change)),
    *_pair("signature-key", "PROJECT KEY-ID", "a GnuPG key",
           lambda change: _listed("signatureKeys", _signature_key, change)),
    *_pair("orphaned-ignore", "PROJECT GROUP KIND", "a kind that may be an orphan", _orphaned,
           _ORPHAN_NAME),
    *_pair("destination-service-account", "PROJECT SERVER NAMESPACE SERVICE-ACCOUNT",
           "a service account of a destination",
           lambda change: _listed("destinationServiceAccounts", _service_account, change),
           _ACCOUNT_HOME),
    *_permit("cluster", "cluster-resource", "allow"),
    *_permit("namespace", "namespace-resource", "deny"),
)  # fmt: skip
COMMANDS = {spec.name: spec for spec in _SPECS}
