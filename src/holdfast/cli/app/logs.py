"""`app logs`: what the pods of an Application print."""

from holdfast.cli import exit_codes
from holdfast.cli.command import APP_NAMESPACE, Call, CommandSpec
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.cli.waiting import closing
from holdfast.domain.log_lines import nanoseconds
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
        until=_moment(values.text("until-time")),
        filter=values.text("filter"),
        match_case=values.switch("match-case"),
        previous=values.switch("previous"),
    )
    code = exit_codes.OK
    async with call.link() as link, closing(link.queries.logs(query)) as lines:
        async for line in lines:
            if line.is_problem:
                call.note(f"warning: pod {line.pod}: {line.text}")
                code = exit_codes.FAILED
            else:
                call.say(line.text)
    return code


def _moment(text: str) -> str:
    if text and not nanoseconds(text):
        raise UsageError(
            f'--until-time "{text}": give a time with its zone, such as 2026-01-02T15:04:05Z'
        )
    return text


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
            Flag(
                "tail",
                "Lines from the end of each pod's log; 0 is all.",
                FlagKind.COUNT,
                default="0",
            ),
            Flag("since-seconds", "Only the last seconds.", FlagKind.COUNT, default="0"),
            Flag("until-time", "No line after this time, as 2026-01-02T15:04:05Z."),
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
