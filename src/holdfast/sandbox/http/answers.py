"""What a client accepts, and how an answer is written to it."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from holdfast.domain.manifest import Tree
from holdfast.sandbox.statuses import StatusError

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Form:
    """In which shape an answer is wanted.

    Attributes:
        shape: `""` for the object itself, else `Table`, `PartialObjectMetadata`,
            `PartialObjectMetadataList`, `APIGroupDiscoveryList`.
        version: Version of that shape, `v1`.
    """

    shape: str = ""
    version: str = ""


PLAIN = Form()
OBJECT_FORMS = frozenset({"Table", "PartialObjectMetadata"})
LIST_FORMS = frozenset({"Table", "PartialObjectMetadataList"})


def negotiate(accept: str, shapes: Collection[str]) -> Form:
    """Choose the first shape of an Accept header that this path can answer in.

    Raises:
        StatusError: 406, nothing of what the client accepts can be made here.
    """
    if not accept:
        return PLAIN
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in {JSON_TYPE, "*/*", "application/*", "application/yaml"}:
            continue
        values = dict(item.split("=", 1) for item in parameters if "=" in item)
        shape = values.get("as", "")
        if not shape:
            return PLAIN
        if shape in shapes and values.get("v", "v1") in {"v1", "v2", "v1beta1"}:
            return Form(shape, values.get("v", "v1"))
    raise not_acceptable()


def not_acceptable() -> StatusError:
    """406 in the server's words."""
    accepted = "application/json, application/yaml"
    message = f"only the following media types are accepted: {accepted}"
    return StatusError(406, "NotAcceptable", message)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer.

    Attributes:
        status: HTTP status.
        body: The bytes.
        content_type: Their media type.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = field(default=())

    async def write(self, send: Send, *, with_body: bool = True) -> None:
        """Send it."""
        headers = [
            (b"content-type", self.content_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            (b"cache-control", b"no-cache, private"),
        ]
        headers.extend((name.lower().encode(), value.encode()) for name, value in self.headers)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body if with_body else b""})


def json_answer(tree: Tree, status: int = 200, warnings: tuple[str, ...] = ()) -> Answer:
    """Answer with an object."""
    headers = tuple(("Warning", f'299 - "{_escaped(text)}"') for text in warnings)
    return Answer(status, orjson.dumps(tree), JSON_TYPE, headers)


def raw_answer(raw: bytes, status: int = 200, warnings: tuple[str, ...] = ()) -> Answer:
    """Answer with JSON text that is there already."""
    headers = tuple(("Warning", f'299 - "{_escaped(text)}"') for text in warnings)
    return Answer(status, raw, JSON_TYPE, headers)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def status_answer(error: StatusError) -> Answer:
    """Answer with a refusal."""
    body = orjson.dumps(error.tree())
    return Answer(error.code, body, JSON_TYPE, tuple(error.headers.items()))


def text_answer(text: str, status: int = 200) -> Answer:
    """Answer with plain text."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")
