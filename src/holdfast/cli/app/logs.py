"""`app logs`: what the pods of an Application print."""

import re

from holdfast.cli import exit_codes
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind
from holdfast.cli.waiting import closing
from holdfast.domain.queries import PodLogs


async def _logs(call: Call) -> int:
    values = call.values
    query = PodLogs(
        call.app(),
        group=values.text("group"),
        kind=values.text("kind"),
        namespace=values.text("namespace"),
        name=values.text("name"),
        container=values.text("container"),
        follow=values.switch("follow"),
        tail=values.number("tail"),
        since_s=values.number("since-seconds"),
        previous=values.switch("previous"),
    )
    wanted, excludes = values.text("filter"), values.text("filter").startswith("!")
    flags = re.RegexFlag(0) if values.switch("match-case") else re.IGNORECASE
    pattern = re.compile(re.escape(wanted.removeprefix("!")), flags)
    async with call.link() as link, closing(link.queries.logs(query)) as lines:
        async for line in lines:
            if not wanted or bool(pattern.search(line)) != excludes:
                call.say(line)
    return exit_codes.OK


COMMANDS = {
    "logs": CommandSpec(
        "logs",
        "APPNAME",
        "Print logs of an Application's pods.",
        _logs,
        (
            Flag("group", "Only pods of objects in this API group."),
            Flag("kind", "Only pods of objects of this kind."),
            Flag("namespace", "Only pods in this namespace."),
            Flag("name", "Only pods of the object of this name."),
            Flag("container", "Only this container.", short="c"),
            Flag("follow", "Go on as lines are printed.", FlagKind.SWITCH, short="f"),
            Flag("tail", "Lines from the end; 0 is all.", FlagKind.NUMBER, default="0"),
            Flag("since-seconds", "Only the last seconds.", FlagKind.NUMBER, default="0"),
            Flag("filter", "Only lines with this text; `!text` leaves them out."),
            Flag("match-case", "The filter tells capitals.", FlagKind.SWITCH, short="m"),
            Flag("previous", "The container before its last restart.", FlagKind.SWITCH, short="p"),
            APP_NAMESPACE,
        ),
        least=1,
        most=1,
        examples=("holdfast app logs web --kind Deployment --name web --tail 20",),
    )
}
