"""What a person does on the page and Argo CD's API has no route for: pause, resume, adopt.

JSON in, JSON out, as `Commands` carries it out. A request must come from this page itself: its
content type is JSON, which no foreign form can send, and `Origin` names this host.
"""

from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import Field, ValidationError
from starlette.requests import Request

from holdfast.api.authoring import authorship
from holdfast.api.call import Answer
from holdfast.api.failures import ApiError, Code, denied, invalid
from holdfast.api.models.base import OurShape
from holdfast.api.page.board import Board, Visit
from holdfast.api.reading import TooLargeError, read_body
from holdfast.domain.commands import AdoptDrift, PauseHealing, ResumeHealing
from holdfast.domain.identity import ResourceKey
from holdfast.domain.operation import SelectedResource
from holdfast.domain.pause import PauseScope

_MOST_BYTES = 256 * 1024
_WEEK_MINUTES = 7 * 24 * 60

Body = TypeVar("Body", bound=OurShape)


class NamedObject(OurShape):
    """One object of an Application."""

    group: str = ""
    kind: str
    namespace: str = ""
    name: str


class PauseBody(OurShape):
    """What to hold, why, and for how long; without `minutes` until it is resumed."""

    reason: str = Field(min_length=1, max_length=500)
    minutes: int | None = Field(None, ge=1, le=_WEEK_MINUTES)
    resource: NamedObject | None = None


class AdoptBody(OurShape):
    """How to take drift into git."""

    message: str = Field(min_length=1, max_length=2000)
    branch: str = Field("", max_length=200)
    push: bool = False
    resources: tuple[NamedObject, ...] = ()


async def pause(board: Board, visit: Visit) -> Answer:
    """Hold an Application, or one object of it."""
    body = await _read(visit.request, PauseBody)
    tree, app = await board.application(visit)
    if not board.may(visit, tree, "update"):
        raise denied("you may not change this application, so you may not pause it")
    key = body.resource
    command = PauseHealing(
        scope=PauseScope.OBJECT if key else PauseScope.APPLICATION,
        reason=body.reason.strip(),
        until=board.now + timedelta(minutes=body.minutes) if body.minutes else None,
        target=app.name,
        app_namespace=app.key.namespace,
        resource=ResourceKey(key.group, key.kind, key.namespace, key.name) if key else None,
    )
    done = await board.services.commands.carry_out(command, visit.caller.username)
    return Answer({"outcome": done.outcome, "notes": list(done.notes)})


async def resume(board: Board, visit: Visit) -> Answer:
    """End one pause."""
    _demand_own(visit.request)
    wanted = visit.path["id"]
    found = next((one for one in await board.pauses() if one.id == wanted), None)
    if found is None or not board.may_end(visit, found):
        raise ApiError(Code.NOT_FOUND, "there is no such pause any more, or you may not end it")
    command = ResumeHealing(pause_id=wanted)
    done = await board.services.commands.carry_out(command, visit.caller.username)
    return Answer({"outcome": done.outcome, "notes": list(done.notes)})


async def adopt(board: Board, visit: Visit) -> Answer:
    """Commit live drift to git."""
    body = await _read(visit.request, AdoptBody)
    tree, app = await board.application(visit)
    if not board.may(visit, tree, "update"):
        raise denied("you may not change this application, so you may not adopt its drift")
    by = authorship(visit.caller)
    command = AdoptDrift(
        app.key,
        body.message,
        tuple(SelectedResource(o.group, o.kind, o.namespace, o.name) for o in body.resources),
        author=by.author,
        otherwise=by.otherwise,
        branch=body.branch,
        push=body.push,
    )
    done = await board.services.commands.carry_out(command, visit.caller.username)
    return Answer({"outcome": done.outcome, "notes": list(done.notes)})


async def _read(request: Request, shape: type[Body]) -> Body:
    _demand_own(request)
    try:
        content = await read_body(request, _MOST_BYTES)
        return shape.model_validate(orjson.loads(content or b"{}"))
    except TooLargeError as error:
        raise invalid("the body is too large") from error
    except orjson.JSONDecodeError as error:
        raise invalid("the body is no JSON") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise invalid(f"{where}: {first['msg']}") from error


def _demand_own(request: Request) -> None:
    """Refuse what another site made a browser send.

    Raises:
        ApiError: 403.
    """
    headers = request.headers
    origin, site = headers.get("origin", ""), headers.get("sec-fetch-site", "")
    is_json = headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    is_ours = not origin or urlsplit(origin).netloc == headers.get("host", "")
    if not is_json or not is_ours or site not in ("", "same-origin", "none"):
        raise denied("the request does not come from this page")
