"""`proj pause` and `proj resume`."""

from holdfast.cli import exit_codes
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.pauses import words
from holdfast.domain.commands import ResumeHealing
from holdfast.domain.pause import PauseScope


async def _pause(call: Call) -> int:
    name = call.arguments[0]
    command = words.pause_of(call, PauseScope.PROJECT, call.session.now(), name)
    async with call.link() as link:
        return await words.make(call, link, command, f"holdfast proj resume {name}")


async def _resume(call: Call) -> int:
    command = ResumeHealing(scope=PauseScope.PROJECT, target=call.arguments[0])
    async with call.link() as link:
        await words.end(call, link, command)
    return exit_codes.OK


COMMANDS = {
    "pause": CommandSpec(
        "pause",
        "PROJECT",
        "Hold healing, automatic sync and prune of all Applications of a project, for a while.",
        _pause,
        words.PAUSE_FLAGS,
        least=1,
        most=1,
        examples=('holdfast proj pause team-a --for 30m --reason "INC-123"',),
    ),
    "resume": CommandSpec(
        "resume", "PROJECT", "End the pauses of a project.", _resume, least=1, most=1
    ),
}
