"""`app manifests`, `app resources`."""

from typing import Any

from holdfast.cli import exit_codes, layouts, trees
from holdfast.cli.app.local import local_folder
from holdfast.cli.app.read import TREES
from holdfast.cli.app.revisions import REVISION_FLAGS, ask_revisions
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import render_documents
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
    if found:
        call.say(render_documents(found))
    return exit_codes.OK


async def _resources(call: Call) -> int:
    app, form = call.app(), call.values.text("output")
    async with call.link() as link:
        tree = await link.queries.answer(GetApplication(app), "")
        nodes = await link.queries.answer(ResourceTree(app), "")
        now = link.clock.now()
    if form:
        call.say(trees.render(tree, nodes, now, form == TREES[1]))
        return exit_codes.OK
    rows = []
    if not call.values.switch("orphaned"):
        rows += [_row(node, "No") for node in layouts.items(nodes, "nodes")]
    rows += [_row(node, "Yes") for node in layouts.items(nodes, "orphanedNodes")]
    call.say(layouts.table(("GROUP", "KIND", "NAMESPACE", "NAME", "ORPHANED"), rows))
    return exit_codes.OK


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
            Flag("local", "Folder on this machine instead of git.", metavar="DIR"),
            Flag("local-repo-root", "Root of the repository of --local.", default="."),
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
            Flag("output", "How to print.", short="o", choices=TREES),
            Flag("project", "Accepted for compatibility.", hidden=True),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
    ),
}
