"""`app pause` and `app resume`."""

from holdfast.cli import exit_codes
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pauses import words
from holdfast.domain.commands import ResumeHealing
from holdfast.domain.pause import PauseScope


async def _pause(call: Call) -> int:
    app, resource = call.app(), words.resource_of(call)
    asked = words.pause_of(call, PauseScope.APPLICATION, call.session.now())
    async with call.link() as link:
        command = words.within_app(asked, app, resource)
        return await words.make(call, link, command, _way_back(call))


def _way_back(call: Call) -> str:
    """Return the command that ends this pause alone."""
    app, resource = call.app(), call.values.text(words.RESOURCE.name)
    name = app.name if app.namespace == call.target.namespace else str(app)
    which = f" --resource {resource}" if resource else ""
    return f"holdfast app resume {name}{which}"


async def _resume(call: Call) -> int:
    app, resource = call.app(), words.resource_of(call)
    command = ResumeHealing(
        scope=PauseScope.APPLICATION,
        target=app.name,
        app_namespace=app.namespace,
        resource=resource,
    )
    async with call.link() as link:
        await words.say_what_comes_back(call, link, await words.end(call, link, command))
    return exit_codes.OK


COMMANDS = {
    "pause": CommandSpec(
        "pause",
        "APPNAME",
        "Hold healing, automatic sync and prune of an Application, for a while. Drift is still "
        "seen and noted; what a person asks for goes on.",
        _pause,
        (*words.PAUSE_FLAGS, words.RESOURCE, APP_NAMESPACE),
        least=1,
        most=1,
        examples=(
            'holdfast app pause web --for 30m --reason "INC-123"',
            'holdfast app pause web --for 2h --reason "INC-123" --resource apps:Deployment:web',
        ),
    ),
    "resume": CommandSpec(
        "resume",
        "APPNAME",
        "End the pauses of an Application and of its objects, and say what is put back.",
        _resume,
        (words.RESOURCE, APP_NAMESPACE),
        least=1,
        most=1,
        examples=("holdfast app resume web",),
    ),
}
