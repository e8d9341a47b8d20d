"""One request on its way through a route: what was asked, by whom, and what may be used."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import Request

from holdfast.api.caller import Caller
from holdfast.api.failures import denied
from holdfast.api.models.base import Shape
from holdfast.api.ports import Services
from holdfast.domain.manifest import JSON

_MOST_GRANTED = 16  # who asks for more filters a list, and streams none

Q = TypeVar("Q")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """A request, checked: path, query and body have their shapes, the caller is known.

    Attributes:
        request: For headers and cookies; its body has been read.
        path: Segments of the path, decoded.
        query: Of the route's query shape.
        body: Of the route's body shape.
        caller: Who asks.
        services: What may be used.
        granted: What `may` and `demand` said yes to; asked again while a stream lasts.
    """

    request: Request
    path: dict[str, str]
    query: Q
    body: B
    caller: Caller
    services: Services
    granted: list[tuple[str, str, str]] = field(default_factory=list, compare=False)

    def may(self, resource: str, action: str, target: str) -> bool:
        """Whether the caller may do that."""
        yes = self.caller.is_trusted or self.services.roles.allows(
            self.caller, resource, action, target
        )
        if yes and len(self.granted) < _MOST_GRANTED:
            self.granted.append((resource, action, target))
        return yes

    def demand(self, resource: str, action: str, target: str) -> None:
        """Refuse unless the caller may; the text is Argo CD's (api.md §1.2).

        Raises:
            ApiError: 403.
        """
        if self.may(resource, action, target):
            return
        from datetime import UTC, datetime  # noqa: PLC0415 - only for a refusal

        words = f"permission denied: {resource}, {action}, {target}, sub: {self.caller.subject}"
        if self.caller.issued_at:
            issued = datetime.fromtimestamp(self.caller.issued_at, UTC)
            words += f", iat: {issued.strftime('%Y-%m-%dT%H:%M:%SZ')}"
        raise denied(words)


AnyCall = Call[Shape, object]


class Encoded(bytes):
    """JSON that is bytes already, its envelope included: encoded once for all who follow."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A JSON answer that may be large, as the bytes of its parts: they are written in turn."""

    parts: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer without an end: one JSON value after the other (api.md §1.3).

    Attributes:
        items: The values; each becomes `{"result": …}`.
        wrapped: Argo CD's `{"result": …}`; False for streams of ours.
        text: Each value is a line of text and not JSON; `headers` say what it is.
        waits: The status waits for the first value: a refusal before it is no 200.
    """

    items: AsyncIterator[JSON | Encoded]
    wrapped: bool = True
    text: bool = False
    waits: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer with headers or another status than 200."""

    tree: JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
