"""`app manifests`, `app resources`."""

from typing import Any

from holdfast.cli import exit_codes, layouts, trees
from holdfast.cli.app.local import LOCAL_FLAGS, local_folder
from holdfast.cli.app.read import TREES
from holdfast.cli.app.revisions import REVISION_FLAGS, ask_revisions
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render, render_documents
from holdfast.cli.pflag import Flag, FlagKind
from holdfast.domain.queries import GetApplication, GetManifests, ResourceTree


async def _manifests(call: Call) -> int:
    values = call.values
    async with call.link() as link:
        query = GetManifests(
            call.app(),
            revision=values.text("revision"),
            revisions=await ask_revisions(call, link),
            local=local_folder(values),
            live=values.text("source") == "live",
        )
        found = await link.queries.answer(query, "")
    if call.values.text("output") == "json":
        call.say(render(found, "json"))
    elif found:
        call.say(render_documents(found))
    return exit_codes.OK


async def _resources(call: Call) -> int:
    app, form = call.app(), call.values.text("output")
    async with call.link() as link:
        tree = await link.queries.answer(GetApplication(app), "")
        nodes = await link.queries.answer(ResourceTree(app), "")
        now = link.clock.now()
    if form in STRUCTURED:
        call.say(render(_chosen(call, nodes), form))
        return exit_codes.OK
    if form:
        call.say(trees.render(tree, nodes, now, form == TREES[1]))
        return exit_codes.OK
    chosen = _chosen(call, nodes)
    rows = [_row(node, "No") for node in chosen["nodes"]]
    rows += [_row(node, "Yes") for node in chosen["orphanedNodes"]]
    call.say(layouts.table(("GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"), rows))
    return exit_codes.OK


def _chosen(call: Call, tree: Any) -> dict[str, list[Any]]:
    """Return the nodes that are asked for, as the API tells them."""
    alone = call.values.switch("orphaned")
    return {
        "nodes": [] if alone else list(layouts.items(tree, "nodes")),
        "orphanedNodes": list(layouts.items(tree, "orphanedNodes")),
    }


def _row(node: Any, orphaned: str) -> tuple[str, ...]:
    return (*(layouts.text(node, key) for key in ("group", "kind", "namespace", "name")), orphaned)


COMMANDS = {
    "manifests": CommandSpec(
        "manifests",
        "APPNAME",
        "Print the objects that git declares, or those of the cluster; Secrets are masked.",
        _manifests,
        (
            Flag("source", "Where from.", default="git", choices=("git", "live")),
            *REVISION_FLAGS,
            *LOCAL_FLAGS,
            Flag("output", "How to print.", short="o", default="yaml", choices=("yaml", "json")),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=("holdfast app manifests web", "holdfast app manifests web --source live"),
    ),
    "resources": CommandSpec(
        "resources",
        "APPNAME",
        "List the objects of an Application with their children.",
        _resources,
        (
            Flag("orphaned", "Only objects that belong to no Application.", FlagKind.SWITCH),
            Flag("output", "How to print.", short="o", choices=(*TREES, "json", "yaml")),
            Flag("project", "Accepted for compatibility.", hidden=True),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
    ),
}
