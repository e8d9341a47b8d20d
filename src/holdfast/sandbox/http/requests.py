"""`Request`: one HTTP request, read from ASGI."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from holdfast.domain.manifest import JSON, Tree
from holdfast.kit.yamlio import YamlError, load_one
from holdfast.sandbox.http.answers import Receive
from holdfast.sandbox.protobuf import decoding as protobuf
from holdfast.sandbox.statuses import (
    Named,
    StatusError,
    bad_request,
    invalid,
    unsupported,
    unsupported_media_type,
)

# The real server's limit of a request body.
MAX_BODY_BYTES = 3 * 1024 * 1024

YAML_TYPE = "application/yaml"
JSON_TYPES = frozenset({"application/json", "", "*/*"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: `GET`, …
        path: Decoded path without query.
        query: Query parameters, the last of equal names.
        headers: Lower-case names; the last of equal ones.
        receive: ASGI receive, for the body and for the moment the client leaves.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    receive: Receive

    @classmethod
    def from_scope(cls, scope: Any, receive: Receive) -> "Request":
        """Read what stands in the ASGI scope."""
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        text = scope["query_string"].decode("latin-1")
        query = dict(parse_qsl(text, keep_blank_values=True)) if text else {}
        return cls(scope["method"], scope["path"], query, headers, receive)

    @property
    def accept(self) -> str:
        """The Accept header."""
        return self.headers.get("accept", "")

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def flag(self, name: str) -> bool:
        """Whether a boolean query parameter is true."""
        return self.query.get(name, "") in {"true", "1", "True"}

    @property
    def manager(self) -> str:
        """The field manager: as named, else the first part of the user agent."""
        named = self.query.get("fieldManager", "")
        agent = self.headers.get("user-agent", "").partition("/")[0].strip()
        return named or agent[:128] or "unknown"

    @property
    def dry_run(self) -> bool:
        """Whether nothing shall be kept.

        Raises:
            StatusError: 422, a value besides `All`.
        """
        return read_dry_run(self.query.get("dryRun"))

    async def body(self) -> bytes:
        """Read the whole body.

        Raises:
            StatusError: 413, it is longer than allowed.
        """
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return b""
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                text = f"limit is {MAX_BODY_BYTES}"
                words = f"Request entity too large: {text}"
                raise StatusError(413, "RequestEntityTooLarge", words)
            chunks.append(chunk)
            if not message.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_dry_run(value: JSON) -> bool:
    """Return whether `dryRun` asks for a dry run.

    Raises:
        StatusError: 422, a value besides `All`.
    """
    if value in (None, "", []):
        return False
    if value in ("All", ["All"]):
        return True
    given = value if isinstance(value, list) else [value]
    wrong = unsupported("dryRun", given, ["All"])
    raise invalid(Named("meta.k8s.io", "", "CreateOptions"), [wrong])


def decode_json(raw: bytes, what: str = "object") -> JSON:
    """Decode JSON text.

    Raises:
        StatusError: 400, it does not parse.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        detail = "unexpected end of JSON input (<empty>)" if not raw else str(error)
        raise bad_request(f"couldn't get version/kind; json parse error: {detail}") from error


def decode_yaml(raw: bytes) -> Tree:
    """Decode the one object of a YAML body.

    Raises:
        StatusError: 400.
    """
    try:
        tree = load_one(raw)
    except YamlError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(tree, dict):
        raise bad_request("error decoding YAML: the body is not an object")
    return tree


def decode_object(content_type: str, raw: bytes) -> Tree:
    """Decode the object in a body.

    Raises:
        StatusError: 415 for a format that is not read here; 400.
    """
    if content_type == protobuf.MEDIA_TYPE:
        try:
            return protobuf.decode_object(raw)
        except protobuf.ProtobufError as error:
            raise bad_request(str(error)) from error
    if content_type == YAML_TYPE:
        return decode_yaml(raw)
    if content_type not in JSON_TYPES:
        accepted = ["application/json", YAML_TYPE, protobuf.MEDIA_TYPE]
        raise unsupported_media_type(accepted)
    tree = decode_json(raw)
    if not isinstance(tree, dict):
        raise bad_request("couldn't get version/kind; the body is not an object")
    return tree
