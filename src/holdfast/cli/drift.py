"""`drift list`, `drift show`, `drift stats`: what drifted, who did it, what became of it.

Read from the journal itself, no cluster is asked; or through a server, when one is named.
"""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.cli import exit_codes, layouts
from holdfast.cli.command import Call, CommandSpec
from holdfast.cli.moments import milliseconds, parse_duration, span, utc
from holdfast.cli.pflag import Flag, FlagKind, UsageError
from holdfast.domain.journal import Episode, EpisodeFilter, moment_text

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from holdfast.domain.drift import FieldOwner
    from holdfast.domain.journal import DriftStats, FieldChange, JournalReader

_ID = 8
_LONGEST_VALUE = 200
_LONGEST_CELL = 60


async def _list(call: Call) -> int:
    values, form = call.values, call.values.text("output")
    wanted = EpisodeFilter(
        app=values.text("app"),
        since=_since(call),
        open_only=values.switch("open"),
        limit=_limit(call),
    )
    async with _journal(call) as journal:
        episodes = await journal.episodes(wanted)
    if form == "json":
        call.say(_json([episode.to_tree() for episode in episodes]))
        return exit_codes.OK
    if not episodes:
        narrowed = any(values.is_given(name) for name in ("app", "since", "open"))
        also = "; `holdfast drift list` without flags shows all" if narrowed else ""
        call.note(f"no drift that matches{also}")
        return exit_codes.OK
    call.say(_table(episodes, call.session.now(), wide=form == "wide"))
    return exit_codes.OK


def _table(episodes: tuple[Episode, ...], now: datetime, *, wide: bool) -> str:
    header = ["ID", "APP", "OBJECT", "WHAT", "WHO", "STATE", "TOOK", "AGE"]
    header += ["DETECTED", "CLOSED", "FIELDS"] if wide else ["FIELDS"]
    return layouts.table(header, (_row(episode, now, wide=wide) for episode in episodes))


def _row(episode: Episode, now: datetime, *, wide: bool) -> list[str]:
    fields = ", ".join(change.path for change in episode.changes) or "-"
    took = milliseconds(episode.took_s) if episode.took_s is not None else "-"
    age = span((now - episode.detected_at).total_seconds())
    cells = [
        episode.id if wide else episode.id[:_ID],
        str(episode.app) if wide else episode.app.name,
        str(episode.key),
        episode.what,
        episode.who,
        episode.state,
        took,
        age,
    ]
    if wide:
        closed = utc(episode.closed_at) if episode.closed_at else "-"
        return [*cells, utc(episode.detected_at), closed, fields]
    return [*cells, fields if len(fields) <= _LONGEST_CELL else f"{fields[:_LONGEST_CELL]}…"]


async def _show(call: Call) -> int:
    async with _journal(call) as journal:
        episode = await journal.episode(call.arguments[0])
    if call.values.text("output") == "json":
        call.say(_json(episode.to_tree()))
    else:
        call.say("\n".join(_sheet(episode, call.session.now())))
    return exit_codes.OK


def _sheet(episode: Episode, now: datetime) -> list[str]:
    label = layouts.label
    ago = span((now - episode.detected_at).total_seconds())
    lines = [
        label("ID", episode.id),
        label("Application", str(episode.app)),
        label("Object", str(episode.key)),
        label("What", episode.what),
        label("Who", episode.who),
        *_user(episode),
        label("Detected", f"{utc(episode.detected_at)} ({ago} ago)"),
        label("Closed", utc(episode.closed_at) if episode.closed_at else "open"),
        label("State", episode.state),
    ]
    if episode.took_s is not None:
        lines.append(label("Healed in", milliseconds(episode.took_s)))
    lines.append(label("Seen by", episode.source))
    if episode.changes:
        lines += ["", "Fields (what git declared -> what was there):"]
        lines += map(_change, episode.changes)
    later = episode.heals[-1].changes if episode.heals else ()
    if later and later != episode.changes:
        # More was changed while nothing was healed: the last heal tells all of it.
        lines += ["", "Fields at the last heal:", *map(_change, later)]
    lines += ["", *_timeline(episode)]
    return lines


def _user(episode: Episode) -> list[str]:
    """How the user did it, and how that is known."""
    culprit = episode.culprit
    if culprit is None:
        return []
    verb = f"{culprit.verb} {culprit.subresource}".strip()
    return [
        layouts.label("Request", f"{verb} at {utc(culprit.at)} from {culprit.source_ip or '-'}"),
        layouts.label("User agent", culprit.user_agent or "-"),
        layouts.label("Audit ID", f"{culprit.audit_id} (matched by {culprit.matched_by})"),
    ]


def _owner(owner: "FieldOwner") -> str:
    words = [owner.operation, owner.subresource, owner.time]
    told = " ".join(word for word in words if word)
    return f"{owner.manager} ({told})" if told else owner.manager


def _change(change: "FieldChange") -> str:
    # Without owners: written by an older version.
    names = list(map(_owner, change.owners)) or list(change.managers)
    by = f"   by {', '.join(names)}" if names else ""
    return f"  {change.path}: {_value(change.before)} -> {_value(change.after)}{by}"


def _timeline(episode: Episode) -> list[str]:
    moments = [(episode.detected_at, "detected", episode.what)]
    moments += [(made.at, made.decision, made.detail or made.reason) for made in episode.decisions]
    moments += [
        (heal.at, f"heal {heal.outcome}", heal.message or milliseconds(heal.took_s))
        for heal in episode.heals
    ]
    if episode.closed_at is not None:
        moments.append((episode.closed_at, "closed", episode.closing))
    rows = [(f"{utc(at)[:-4]}.{at.microsecond // 1000:03}", what, words)
            for at, what, words in sorted(moments, key=_when)]  # fmt: skip
    return layouts.table(("TIME (UTC)", "WHAT", "DETAIL"), rows).splitlines()


def _when(moment: tuple[datetime, str, str]) -> str:
    """In milliseconds, as they are shown: a server tells no more."""
    return moment_text(moment[0])


def _value(value: Any) -> str:
    if value is None:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith("("):
        text = value
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


async def _stats(call: Call) -> int:
    async with _journal(call) as journal:
        stats = await journal.stats(_since(call))
    if call.values.text("output") == "json":
        call.say(_json(stats.to_tree()))
    else:
        call.say("\n".join(_counts(stats)))
    return exit_codes.OK


def _counts(stats: "DriftStats") -> list[str]:
    label = layouts.label
    times = ", ".join(f"{name} {milliseconds(ms / 1000)}" for name, ms in stats.heal_ms.items())
    lines = [
        label("Since", utc(stats.since) if stats.since else "the beginning of the journal"),
        label("Drifts", f"{stats.episodes} ({stats.open} open)"),
        label("Heals", f"{stats.heals}" + (f" ({times})" if times else "")),
        label("Syncs", str(stats.syncs)),
    ]
    for title, counts in (
        ("STATE", stats.by_state),
        ("WHAT", stats.by_what),
        ("MANAGER", stats.by_manager),
        ("USER", stats.by_user),
        ("APP", stats.by_app),
    ):
        if counts:
            rows = [(name, str(count)) for name, count in list(counts.items())[:20]]
            lines += ["", layouts.table((title, "DRIFTS"), rows)]
    return lines


def _since(call: Call) -> datetime | None:
    text = call.values.text("since")
    if not text:
        return None
    if "T" in text:
        from holdfast.cli.moments import parse_moment

        return parse_moment(text, call.session.now(), "since")
    return call.session.now() - parse_duration(text, "since")


def _limit(call: Call) -> int:
    limit = call.values.number("limit")
    if limit < 1:
        raise UsageError("--limit: give a number above 0")
    return limit


def _journal(call: Call) -> "AbstractAsyncContextManager[JournalReader]":
    return call.session.open_journal(call.target, call.values.text("journal"))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


_JOURNAL = Flag(
    "journal",
    "Path or DSN of the journal; else that of the server, $HOLDFAST_JOURNAL, the one beside the "
    "kubeconfig, the usual place.",
    metavar="DSN",
)
_OUTPUT = Flag("output", "How to print.", short="o", choices=("wide", "json"))
_SINCE = Flag("since", "Only what was seen since: 2h, 3d, or a time.", metavar="DURATION")

COMMANDS = {
    "list": CommandSpec(
        "list",
        "",
        "List drifts, newest first: what, who, how it ended, how long it took.",
        _list,
        (
            Flag("app", "Only of this Application: NAME or NAMESPACE/NAME.", metavar="NAME"),
            _SINCE,
            Flag("open", "Only those that go on.", FlagKind.SWITCH),
            Flag("limit", "At most so many.", FlagKind.COUNT, default="100"),
            _JOURNAL,
            _OUTPUT,
        ),
        examples=("holdfast drift list --since 2h", "holdfast drift list --app web --open"),
    ),
    "show": CommandSpec(
        "show",
        "ID",
        "Show one drift: every field before and after, and what was decided when.",
        _show,
        (_JOURNAL, Flag("output", "How to print.", short="o", choices=("json",))),
        least=1,
        most=1,
        examples=("holdfast drift show 3f9c2d1b",),
    ),
    "stats": CommandSpec(
        "stats",
        "",
        "Count drifts and heals, and say how long heals took.",
        _stats,
        (
            Flag("since", "Only what was seen since: 2h, 3d, or a time.", default="24h",
                 metavar="DURATION"),
            _JOURNAL,
            Flag("output", "How to print.", short="o", choices=("json",)),
        ),
        examples=("holdfast drift stats --since 7d",),
    ),
}  # fmt: skip
