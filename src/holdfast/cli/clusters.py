"""`cluster add|list|get|rm`: clusters (api.md §4.4). Holdfast deploys to its own alone."""

from typing import Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render, without_times
from holdfast.cli.pflag import Flag, FlagKind, UsageError

Tree = dict[str, Any]
_HEADER = ("SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT")


async def _add(call: Call) -> int:
    import asyncio

    from holdfast.assembly.cluster_entry import cluster_entry
    from holdfast.domain.stored_settings import PutCluster

    values, context = call.values, call.arguments[0]
    tree = await asyncio.to_thread(cluster_entry, call.target.kubeconfig, context)
    tree["name"] = values.text("name") or context
    if values.is_given("namespace"):
        tree["namespaces"] = list(values.texts("namespace"))
    if values.switch("cluster-resources"):
        tree["clusterResources"] = True
    if values.text("project"):
        tree["project"] = values.text("project")
    if values.is_given("shard") and int(values.text("shard")) >= 0:
        tree["shard"] = int(values.text("shard"))
    for flag, key in (("label", "labels"), ("annotation", "annotations")):
        if values.is_given(flag):
            tree[key] = dict(_pair(flag, text) for text in values.texts(flag))
    command = PutCluster(tree, upsert=values.switch("upsert"))
    async with call.link() as link:
        done = await link.commands.carry_out(command, "")
    for note in done.notes:
        call.note(note)
    call.say(f"Cluster '{tree['server']}' added")
    return exit_codes.OK


def _pair(flag: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f'--{flag} "{text}": give KEY=VALUE')
    return key, value


async def _found(call: Call) -> list[Tree]:
    from holdfast.domain.stored_settings import ListClusters

    async with call.link() as link:
        found: list[Tree] = await link.queries.answer(ListClusters(), "")
    return found


async def _list(call: Call) -> int:
    found, form = await _found(call), call.values.text("output")
    if form in STRUCTURED:
        call.say(render([without_times(tree) for tree in found], form))
    elif form == "server":
        for tree in found:
            call.say(tree["server"])
    else:
        call.say(layouts.table(_HEADER, (_row(tree) for tree in found)))
    return exit_codes.OK


def _row(tree: Tree) -> tuple[str, ...]:
    server, names = layouts.text(tree, "server"), tree.get("namespaces") or []
    state = layouts.block(tree, "connectionState")
    return (
        f"{server} ({len(names)} namespaces)" if names else server,
        layouts.text(tree, "name"),
        layouts.text(tree, "serverVersion"),
        layouts.text(state, "status"),
        layouts.text(state, "message"),
        layouts.text(tree, "project"),
    )


async def _one(call: Call, name: str) -> Tree:
    from holdfast.domain.errors import ConfigurationError

    for tree in await _found(call):
        if name.rstrip("/") in (tree["server"].rstrip("/"), tree["name"]):
            return tree
    raise ConfigurationError(
        "HF3017", f"there is no cluster {name} here", hint="`holdfast cluster list` shows all"
    )


async def _get(call: Call) -> int:
    tree = await _one(call, call.arguments[0])
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(without_times(tree), form))
    else:
        call.say(layouts.table(_HEADER, [_row(tree)]))
    return exit_codes.OK


async def _remove(call: Call) -> int:
    from holdfast.domain.application import IN_CLUSTER_SERVER
    from holdfast.domain.stored_settings import DeleteCluster

    for name in call.arguments:
        tree = await _one(call, name)
        if tree["server"] == IN_CLUSTER_SERVER:
            raise UsageError("the cluster that Holdfast runs in cannot be removed")
        async with call.link() as link:
            await link.commands.carry_out(DeleteCluster(tree["server"]), "")
        call.say(f"Cluster '{name}' removed")
    return exit_codes.OK


COMMANDS = {
    "add": CommandSpec(
        "add", "CONTEXT",
        "Keep a cluster by a context of the kubeconfig, with the credentials that stand there. "
        "Holdfast does not deploy to other clusters yet: it is kept and shown.",
        _add,
        (
            Flag("name", "Its name here; else that of the context.", metavar="NAME"),
            Flag("namespace", "Namespace that may be managed there; else all.", FlagKind.STRINGS,
                 metavar="NAME"),
            Flag("cluster-resources", "Manage objects without a namespace, too, where namespaces "
                 "are named.", FlagKind.SWITCH),
            Flag("project", "Project that it belongs to.", metavar="NAME"),
            Flag("label", "Label of it.", FlagKind.STRINGS, metavar="KEY=VALUE"),
            Flag("annotation", "Annotation of it.", FlagKind.STRINGS, metavar="KEY=VALUE"),
            Flag("shard", "Kept for Argo CD; Holdfast has no shards.", FlagKind.NUMBER,
                 default="-1"),
            Flag("upsert", "Change it when it exists and differs.", FlagKind.SWITCH),
            Flag("yes", "Accepted: nothing is asked.", FlagKind.SWITCH, short="y"),
        ),
        least=1, most=1,
        examples=("holdfast cluster add prod --name prod --label tier=one",),
    ),
    "list": CommandSpec(
        "list", "", "List clusters and whether they answer.", _list,
        (Flag("output", "How to print.", short="o", default="wide",
              choices=("wide", "json", "yaml", "server")),),
    ),
    "get": CommandSpec(
        "get", "SERVER|NAME", "Show a cluster.", _get,
        (Flag("output", "How to print.", short="o", default="yaml",
              choices=("wide", "json", "yaml")),),
        least=1, most=1,
    ),
    "rm": CommandSpec(
        "rm", "SERVER|NAME...", "Forget clusters and their credentials.", _remove,
        (Flag("yes", "Accepted: nothing is asked.", FlagKind.SWITCH, short="y"),),
        least=1, most=None,
    ),
}  # fmt: skip
