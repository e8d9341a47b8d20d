"""`cluster pause` and `cluster resume`."""

from holdfast.cli import exit_codes
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.pauses import words
from holdfast.domain.commands import ResumeHealing
from holdfast.domain.pause import PauseScope


async def _pause(call: Call) -> int:
    name = call.arguments[0].rstrip("/")
    command = words.pause_of(call, PauseScope.CLUSTER, call.session.now(), name)
    async with call.link() as link:
        return await words.make(call, link, command, f"holdfast cluster resume {name}")


async def _resume(call: Call) -> int:
    command = ResumeHealing(scope=PauseScope.CLUSTER, target=call.arguments[0].rstrip("/"))
    async with call.link() as link:
        await words.end(call, link, command)
    return exit_codes.OK


COMMANDS = {
    "pause": CommandSpec(
        "pause",
        "CLUSTER",
        "Hold healing, automatic sync and prune of all Applications that deploy to a cluster: its "
        "server or its name as in `spec.destination`.",
        _pause,
        words.PAUSE_FLAGS,
        least=1,
        most=1,
        examples=('holdfast cluster pause in-cluster --for 30m --reason "upgrade"',),
    ),
    "resume": CommandSpec(
        "resume", "CLUSTER", "End the pauses of a cluster.", _resume, least=1, most=1
    ),
}
