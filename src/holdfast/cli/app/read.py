"""`app get`, `app list`, `app history`: look, change nothing."""

from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts, trees
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.documents import STRUCTURED, render
from holdfast.cli.frame import frame_for
from holdfast.cli.pflag import Flag, FlagKind
from holdfast.cli.spec_edit import find_source
from holdfast.cli.waiting import within
from holdfast.domain.commands import RefreshApplication
from holdfast.domain.queries import GetApplication, ListApplications, ResourceTree

if TYPE_CHECKING:
    from holdfast.cli.session import Link

_SWITCH = FlagKind.SWITCH
TREES = ("tree", "tree=detailed")


def output_flag(*forms: str, default: str = "wide") -> Flag:
    """Return `-o` with the given forms."""
    return Flag("output", "How to print.", short="o", default=default, choices=forms)


SOURCE_FLAGS = (
    Flag("source-position", "Which of several sources, from 1.", FlagKind.NUMBER, default="-1"),
    Flag("source-name", "Which of several sources, by name."),
)


async def _get(call: Call) -> int:
    app, form = call.app(), call.values.text("output")
    hard = call.values.switch("hard-refresh")
    async with call.link() as link:
        if hard or call.values.switch("refresh"):
            await within(
                link.commands.carry_out(RefreshApplication(app, hard=hard), ""),
                call.values.number("timeout"),
                "application refresh deadline exceeded",
            )
        tree = await link.queries.answer(GetApplication(app), "")
        if form in STRUCTURED:
            call.say(render(tree, form))
            return exit_codes.OK
        if form in TREES:
            nodes = await link.queries.answer(ResourceTree(app), "")
            call.say(_head(tree, await frame_for(link, tree)))
            call.say("\n" + trees.render(tree, nodes, link.clock.now(), form == TREES[1]))
            return exit_codes.OK
        await _show(call, link, tree)
    return exit_codes.OK


async def _show(call: Call, link: "Link", tree: dict[str, Any]) -> None:
    call.say(_head(tree, await frame_for(link, tree)))
    if call.values.switch("show-operation"):
        block = layouts.operation(tree, link.clock.now())
        call.say("\n" + block if block else "\nOperation:          none")
    if call.values.switch("show-params"):
        table = layouts.parameters(_chosen_source(call, tree))
        if table:
            call.say("\n" + table)
    table = layouts.resources(tree)
    if table:
        call.say("\n" + table)


def _chosen_source(call: Call, tree: dict[str, Any]) -> dict[str, Any]:
    """Return the Application with the one source that --source-position or --source-name names."""
    spec = layouts.block(tree, "spec")
    if not call.values.any_given(flag.name for flag in SOURCE_FLAGS):
        return tree
    position, name = call.values.number("source-position"), call.values.text("source-name")
    return {"spec": {"source": find_source(dict(spec), position=position, name=name)}}


def _head(tree: dict[str, Any], frame: layouts.Frame) -> str:
    conditions = layouts.conditions(tree)
    return layouts.summary(tree, frame) + (f"\n\n{conditions}\n" if conditions else "")


async def _list(call: Call) -> int:
    values, form = call.values, call.values.text("output")
    namespace = values.text(APP_NAMESPACE.name) or call.target.namespace
    query = ListApplications(namespace, values.text("selector"), values.texts("project"))
    async with call.link() as link:
        apps = await link.queries.answer(query, "")
    apps = [app for app in apps if _matches(app, call)]
    if form in STRUCTURED:
        call.say(render(apps, form))
    elif form == "name":
        for app in apps:
            call.say(layouts.qualified_name(app))
    else:
        call.say(layouts.app_list(apps))
        if not apps:
            call.hint(
                f"no such applications in namespace {namespace}; another namespace is chosen with "
                "--namespace"
            )
    return exit_codes.OK


def _matches(app: dict[str, Any], call: Call) -> bool:
    values = call.values
    sources = layouts.sources_of(layouts.block(app, "spec"))
    cluster, repo, path = values.text("cluster"), values.text("repo"), values.text("path")
    destination = layouts.block(app, "spec", "destination")
    return (
        (not cluster or cluster in (destination.get("server"), destination.get("name")))
        and (not repo or any(source.get("repoURL") == repo for source in sources))
        and (not path or any(source.get("path") == path for source in sources))
    )


async def _history(call: Call) -> int:
    async with call.link() as link:
        tree = await link.queries.answer(GetApplication(call.app()), "")
    form = call.values.text("output")
    if form in STRUCTURED:
        call.say(render(list(layouts.items(tree, "status", "history")), form))
        return exit_codes.OK
    if form == "id":
        for entry in layouts.items(tree, "status", "history"):
            call.say(str(entry.get("id")))
        return exit_codes.OK
    text = layouts.history(tree)
    if text:
        call.say(text)
    else:
        call.note(f"{layouts.qualified_name(tree)} has not been deployed yet")
    return exit_codes.OK


COMMANDS = {
    "get": CommandSpec(
        "get",
        "APPNAME",
        "Show an Application: where it comes from, where it goes, how it does.",
        _get,
        (
            output_flag("wide", "json", "yaml", *TREES),
            Flag("refresh", "Compare again first.", _SWITCH),
            Flag("hard-refresh", "Compare again, rendering anew.", _SWITCH),
            Flag("show-operation", "Show the last operation too.", _SWITCH),
            Flag("show-params", "Show Helm parameters too.", _SWITCH),
            Flag("timeout", "Seconds to wait for a refresh; 0 is for ever.", FlagKind.COUNT),
            *SOURCE_FLAGS,
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=("holdfast app get web", "holdfast app get web -o tree --refresh"),
    ),
    "list": CommandSpec(
        "list",
        "",
        "List Applications.",
        _list,
        (
            output_flag("wide", "name", "json", "yaml"),
            Flag("selector", "Label selector.", short="l"),
            Flag("project", "Only these projects.", FlagKind.STRINGS, short="p"),
            Flag("repo", "Only Applications of this repository.", short="r"),
            Flag("cluster", "Only Applications on this cluster.", short="c"),
            Flag("path", "Only Applications of this path.", short="P"),
            APP_NAMESPACE,
        ),
        examples=("holdfast app list", "holdfast app list -l team=a -o name"),
    ),
    "history": CommandSpec(
        "history",
        "APPNAME",
        "Show what was deployed and when; `rollback` takes the ID.",
        _history,
        (output_flag("wide", "id", "json", "yaml"), APP_NAMESPACE),
        least=1,
        most=1,
        examples=("holdfast app history web",),
    ),
}
