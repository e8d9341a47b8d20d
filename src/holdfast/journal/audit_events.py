"""From the body of an audit webhook to the requests that matter: finished, successful writes.

The body is an `EventList` of audit.k8s.io/v1. Its events are decoded one by one, so that whoever
runs the event loop can let others work between two of them (apply.md C1). Pure.
"""

import json
import re
from collections.abc import Iterator
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
_DECODER = json.JSONDecoder()


class AuditBodyError(ValueError):
    """The body is no EventList; the text says why."""


def split_events(body: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a body, decoding one at a time.

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
            event, place = _DECODER.raw_decode(body, place)
        except (ValueError, RecursionError) as error:
            raise AuditBodyError("an event of the body is no JSON") from error
        if not isinstance(event, dict):
            raise AuditBodyError("an event of the body is no object")
        yield event


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
