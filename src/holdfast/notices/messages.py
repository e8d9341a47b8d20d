"""What a message says: as JSON for programs, as text for people. Pure; values are masked here."""

import json
from dataclasses import dataclass

from holdfast.domain.identity import AppKey
from holdfast.domain.journal import moment_text
from holdfast.domain.manifest import JSON, Tree
from holdfast.notices.grouping import Entry, Group

VERSION = 1
_LONGEST_SHOWN = 120
_FIELDS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to be sent.

    Attributes:
        id: Unique; the same in every attempt.
        body: The JSON of a webhook.
        title, text: What people read.
    """

    id: str
    body: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Who tells: the cluster as people call it, and the control namespace."""

    cluster: str
    namespace: str


def build_message(message_id: str, group: Group, project: str, origin: Origin) -> Message:
    """Return the message of a group."""
    title = f"{group.app.name}: {_summary(group)} ({origin.cluster})"
    tree: Tree = {
        "version": VERSION,
        "id": message_id,
        "cluster": origin.cluster,
        "namespace": origin.namespace,
        "app": {**_app(group.app), "project": project},
        "events": [trigger.value for trigger in group.triggers],
        "title": title,
        "entries": [_entry(entry) for entry in group.entries],
        "more": group.more,
    }
    lines = [line for entry in group.entries for line in _lines(entry)]
    if group.more:
        lines.append(f"… and {group.more} more")
    return Message(message_id, _json(tree), title, "\n".join(lines))


def build_test(message_id: str, origin: Origin) -> Message:
    """Return the message of `holdfast notifications test`."""
    title = f"Holdfast can reach you ({origin.cluster})"
    text = "This is a test: nothing has happened."
    tree: Tree = {
        "version": VERSION,
        "id": message_id,
        "cluster": origin.cluster,
        "namespace": origin.namespace,
        "app": None,
        "events": ["test"],
        "title": title,
        "entries": [],
        "more": 0,
    }
    return Message(message_id, _json(tree), title, text)


def _summary(group: Group) -> str:
    counts: dict[str, int] = {}
    for entry in group.entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    if len(group.entries) == 1 and not group.more:
        entry = group.entries[0]
        return f"{entry.notice.key} {entry.state}" if entry.notice.key else entry.state
    total = len(group.entries) + group.more
    return f"{total} changes: " + ", ".join(f"{count} {state}" for state, count in counts.items())


def _entry(entry: Entry) -> Tree:
    notice, key = entry.notice, entry.notice.key
    return {
        "events": [trigger.value for trigger in entry.triggers],
        "object": {
            "group": key.group,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
        }
        if key is not None
        else None,
        "what": notice.what,
        "who": list(notice.who),
        "state": entry.state,
        "why": entry.why,
        "changes": [change.to_tree() for change in notice.changes()],
        "tookMs": round(notice.seconds * 1000, 3) if notice.seconds is not None else None,
        "count": entry.count,
        "firstAt": moment_text(entry.first_at),
        "lastAt": moment_text(notice.at),
        "episode": notice.episode,
    }


def _lines(entry: Entry) -> list[str]:
    notice = entry.notice
    took = f" in {notice.seconds * 1000:.0f} ms" if notice.seconds is not None else ""
    times = f", {entry.count} times" if entry.count > 1 else ""
    why = f": {entry.why}" if entry.why else ""
    if notice.key is None:
        return [f"{entry.state}{times}{why}"]
    who = f" by {', '.join(notice.who)}" if notice.who else " by somebody unknown"
    lines = [f"{notice.key} was {_deed(notice.what)}{who}; {entry.state}{took}{times}{why}"]
    changes = notice.changes()
    lines += [
        f"  {change.path}: {_short(change.before)} -> {_short(change.after)}"
        for change in changes[:_FIELDS_SHOWN]
    ]
    if len(changes) > _FIELDS_SHOWN:
        lines.append(f"  … {len(changes) - _FIELDS_SHOWN} more fields")
    return lines


def _deed(what: str) -> str:
    return {"missing": "deleted", "extra": "added"}.get(what, what)


def _short(value: JSON) -> str:
    if value is None:
        return "(absent)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _app(app: AppKey) -> Tree:
    return {"namespace": app.namespace, "name": app.name}


def _json(tree: Tree) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
