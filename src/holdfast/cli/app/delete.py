"""`app delete`, `app confirm-deletion`."""

from typing import TYPE_CHECKING

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, RefusedError, UsageError
from holdfast.cli.waiting import closing, noticing_silence
from holdfast.domain.commands import ConfirmDeletion, DeleteApplication
from holdfast.domain.identity import AppKey
from holdfast.domain.queries import ListApplications

if TYPE_CHECKING:
    from holdfast.cli.session import Link

_SWITCH = FlagKind.SWITCH


async def _delete(call: Call) -> int:
    values = call.values
    cascade = values.switch("cascade")
    if not cascade and values.is_given("propagation-policy"):
        raise UsageError("--propagation-policy has a meaning only with --cascade")
    async with call.link() as link:
        apps = await chosen_apps(call, link)
        for app in _confirmed(call, apps, cascade=cascade):
            command = DeleteApplication(
                app,
                cascade=cascade,
                propagation=values.text("propagation-policy")
                if values.is_given("propagation-policy")
                else "",
            )
            done = await link.commands.carry_out(command, "")
            if values.switch("wait") and done.tree is not None:
                async with noticing_silence(call, link):
                    await _wait_gone(link, app)
            call.say(f"application '{app.name}' deleted")
            for note in done.notes:
                call.note(note)
    return exit_codes.OK


async def _wait_gone(link: "Link", app: AppKey) -> None:
    async with closing(link.queries.watch_application(app)) as versions:
        async for tree in versions:
            if tree is None:
                return


async def chosen_apps(call: Call, link: "Link") -> list[AppKey]:
    """Return the Applications that arguments or `--selector` name.

    Raises:
        UsageError: neither is given.
        RefusedError: nothing matches.
    """
    if call.arguments:
        return [call.app(name) for name in call.arguments]
    selector = call.values.text("selector")
    projects = call.values.texts("project") if call.values.knows("project") else ()
    if not selector and not projects:
        raise UsageError("name at least one application, or choose some with --selector")
    namespace = call.values.text(APP_NAMESPACE.name) or call.target.namespace
    trees = await link.queries.answer(ListApplications(namespace, selector, projects), "")
    if not trees:
        words = [f"selector {selector}"] if selector else []
        words += [f"project {name}" for name in projects]
        raise RefusedError(f"No matching apps found for filter: {', '.join(words)}")
    return [AppKey(*layouts.qualified_name(tree).split("/")) for tree in trees]


def _confirmed(call: Call, apps: list[AppKey], *, cascade: bool) -> list[AppKey]:
    """Ask on a terminal, as `argocd` does: only where objects go too."""
    if not cascade or call.values.switch("yes") or not call.session.out.isatty():
        return apps
    chosen: list[AppKey] = []
    choices = "y/n" if len(apps) == 1 else "y/n/a"
    for number, app in enumerate(apps):
        question = f"Are you sure you want to delete '{app.name}' and all its resources?"
        answer = _ask(call, f"{question} [{choices}] ")
        if answer in ("a", "all") and len(apps) > 1:
            return chosen + apps[number:]
        if answer in ("y", "yes"):
            chosen.append(app)
        else:
            call.note(f"The command to delete '{app.name}' was cancelled.")
    return chosen


def _ask(call: Call, question: str) -> str:
    print(question, end="", file=call.session.err, flush=True)
    return call.session.stdin.readline().strip().lower()


async def _confirm_deletion(call: Call) -> int:
    app = call.app()
    async with call.link() as link:
        await link.commands.carry_out(ConfirmDeletion(app), "")
    call.say(f"Application '{app.name}' updated successfully")
    return exit_codes.OK


COMMANDS = {
    "delete": CommandSpec(
        "delete",
        "APPNAME...",
        "Delete Applications; with --cascade, the default, their objects too.",
        _delete,
        (
            Flag("cascade", "Delete the objects of the Application too.", _SWITCH, default="true"),
            Flag(
                "propagation-policy",
                "How dependents of its objects are deleted.",
                short="p",
                default="foreground",
                choices=("foreground", "background"),
            ),
            Flag("yes", "Do not ask.", _SWITCH, short="y"),
            Flag("selector", "Delete all Applications with these labels.", short="l"),
            Flag("wait", "Wait until they are gone.", _SWITCH),
            APP_NAMESPACE,
        ),
        most=None,
        examples=("holdfast app delete web --yes", "holdfast app delete web --cascade=false"),
    ),
    "confirm-deletion": CommandSpec(
        "confirm-deletion",
        "APPNAME",
        "Approve deletions and prunes of an Application that wait for a person.",
        _confirm_deletion,
        (APP_NAMESPACE,),
        least=1,
        most=1,
    ),
}
