"""`notifications test`: does a target hear of it?"""

from holdfast.cli import exit_codes
from holdfast.cli.command import Call, CommandSpec
from holdfast.domain.commands import SendTestMessage


async def _test(call: Call) -> int:
    async with call.link() as link:
        done = await link.commands.carry_out(SendTestMessage(call.arguments[0]), "")
    call.say(done.outcome)
    return exit_codes.OK


COMMANDS = {
    "test": CommandSpec(
        "test",
        "TARGET",
        "Send a test message to a target of the ConfigMap holdfast-notifications, by the "
        "controller that runs, and say what became of it.",
        _test,
        least=1,
        most=1,
        examples=("holdfast notifications test ops",),
    )
}
