"""From the body of an audit webhook to the requests that matter: finished, successful writes.

The body is an `EventList` of audit.k8s.io/v1. Its events are decoded one by one, so that whoever
runs the event loop can let others work between two of them (apply.md C1). Pure.
"""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from holdfast.domain.audit import AuditedRequest
from holdfast.domain.identity import Uid

API_VERSION = "audit.k8s.io/v1"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_LONGEST = 256  # of a name that a client gives
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_GAP = re.compile(r"[\s,]*")
_MARK = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_DECODER = json.JSONDecoder()
MOST_CHARS = 256 * 1024
"""Longest event that is decoded; it takes about two milliseconds."""
_LARGE_VALUE = 4096  # of a value that a large event is read without
_MARKS = 5_000  # brackets and strings of one step


class AuditBodyError(ValueError):
    """The body is no EventList; the text says why."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A step through a body: an event, or a part of a large one.

    Attributes:
        event: None for a part, and for an event that is too large even without its objects.
        chars: How much of the body was looked at.
        is_end: Whether an event ends here.
    """

    event: dict[str, Any] | None
    chars: int
    is_end: bool = True


def split_events(body: str) -> Iterator[Piece]:
    """Yield the events of a body, one at a time.

    No step works on more than about `MOST_CHARS` (apply.md C1). An event above that is passed over
    in steps and read without the objects that it carries, as if its audit level were `Metadata`.

    Raises:
        AuditBodyError: It is no EventList of audit.k8s.io/v1.
    """
    found = _ITEMS.search(body)
    if found is None or f'"{API_VERSION}"' not in body or '"EventList"' not in body:
        raise AuditBodyError(f"the body is no EventList of {API_VERSION}")
    place = found.end()
    while True:
        gap = _GAP.match(body, place)
        place = gap.end() if gap is not None else place
        if body[place : place + 1] == "]":
            return
        try:
            event, chars = _DECODER.raw_decode(body[place : place + MOST_CHARS])
        except (ValueError, RecursionError) as error:
            if len(body) - place <= MOST_CHARS or body[place] != "{":
                raise AuditBodyError("an event of the body is no JSON") from error
            place = yield from _large_event(body, place)
            continue
        if not isinstance(event, dict):
            raise AuditBodyError("an event of the body is no object")
        place += chars
        yield Piece(event, chars)


def _large_event(body: str, start: int) -> Generator[Piece, None, int]:
    """Find the end of an object by its brackets, in steps; return the place behind it."""
    place = told = kept_to = start
    depth = marks = opened = 0
    kept: list[str] = []
    while True:
        limit = min(len(body), told + MOST_CHARS)
        found = _MARK.search(body, place, limit)
        marks += 1
        place = found.end() if found is not None else limit
        mark = found.group() if found is not None else ""
        if mark == '"':
            place = yield from _pass_string(body, place)
            told = max(told, place - MOST_CHARS)  # a longer one has told of itself
        elif mark:
            depth += 1 if mark in "{[" else -1
        elif limit == len(body):
            raise AuditBodyError("an event of the body has no end")
        if mark == "{" and depth == 2:
            opened = place
        elif mark == "}" and depth == 1 and place - opened > _LARGE_VALUE:
            kept.append(body[kept_to:opened])
            kept_to = place - 1
        elif mark and depth == 0:
            kept.append(body[kept_to:place])
            yield Piece(_decode_kept("".join(kept)), place - told)
            return place
        if place - told >= MOST_CHARS or marks % _MARKS == 0:
            yield Piece(None, place - told, is_end=False)
            told = place


def _decode_kept(text: str) -> dict[str, Any] | None:
    if len(text) > MOST_CHARS:
        return None
    try:
        event = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise AuditBodyError("an event of the body is no JSON") from error
    return event if isinstance(event, dict) else None


def _pass_string(body: str, place: int) -> Generator[Piece, None, int]:
    """Return the place behind a string that begins before `place`, in steps."""
    while True:
        end = min(len(body), place + MOST_CHARS)
        inside = _INSIDE.match(body, place, end)
        reached = inside.end() if inside is not None else place
        if body[reached : reached + 1] == '"':
            return reached + 1
        if reached == len(body) or reached == place:
            raise AuditBodyError("an event of the body has no end")
        yield Piece(None, reached - place, is_end=False)
        place = reached


def read_event(event: dict[str, Any]) -> AuditedRequest | None:
    """Return the request of an event, None when it cannot have changed an object.

    What is not an event's form is no request either: nothing here is believed twice.
    """
    if event.get("stage") != "ResponseComplete" or event.get("verb") not in WRITES:
        return None
    ref, user = _tree(event.get("objectRef")), _tree(event.get("user"))
    code = _tree(event.get("responseStatus")).get("code")
    uri = urlsplit(_text(event.get("requestURI")))
    asked = parse_qs(uri.query)
    moment = _moment(event.get("stageTimestamp"))
    if not (isinstance(code, int) and 200 <= code < 300) or "dryRun" in asked or moment is None:
        return None
    subresource = _text(ref.get("subresource"))
    if subresource == "status" or not ref.get("resource"):
        return None
    given = _tree(_tree(event.get("responseObject")).get("metadata"))
    details = _tree(_tree(event.get("responseObject")).get("details"))
    acting = _text(_tree(event.get("impersonatedUser")).get("username"))
    username, agent = _text(user.get("username")), _text(event.get("userAgent"))
    ips = event.get("sourceIPs")
    version = given.get("resourceVersion")
    return AuditedRequest(
        audit_id=_text(event.get("auditID")),
        username=acting or username,
        impersonator=username if acting else "",
        user_agent=agent,
        source_ip=_text(ips[0]) if isinstance(ips, list) and ips else "",
        verb=str(event["verb"]),
        group=_text(ref.get("apiGroup")),
        resource=_text(ref.get("resource")),
        namespace=_text(ref.get("namespace")),
        name=_text(ref.get("name")) or _text(given.get("name")),
        subresource=subresource,
        manager=_text((asked.get("fieldManager") or [agent.partition("/")[0]])[0]),
        uid=Uid(_text(given.get("uid")) or _text(details.get("uid")) or _text(ref.get("uid"))),
        version=int(version) if isinstance(version, str) and version.isdecimal() else 0,
        at=moment,
    )


def _tree(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
