"""JSON over HTTP to a Holdfast server: one request, one answer, one error of ours.

The header `Holdfast-Client` asks the server for errors in our own shape, and to say in
`Holdfast-Done` what a command did: so both ways to the cluster speak with the same words.
"""

import errno
import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import orjson

from holdfast import __version__
from holdfast.assembly.contexts import Server
from holdfast.cluster.kubeconfig import Access, Token
from holdfast.cluster.transport import Limits, Transport
from holdfast.domain.errors import (
    ClusterError,
    ConfigurationError,
    HoldfastError,
    InternalError,
    RepositoryError,
    Retry,
    ToolError,
)
from holdfast.domain.manifest import JSON
from holdfast.domain.ports import Clock

CLIENT_HEADER = "Holdfast-Client"
DONE_HEADER = "Holdfast-Done"

_ANSWER_S = 150.0
_SILENCE_S = 24 * 3600.0
_MOST_LINE = 64 * 1024 * 1024
_FAMILIES: dict[str, type[HoldfastError]] = {
    "HF1": RepositoryError,
    "HF2": ClusterError,
    "HF3": ConfigurationError,
    "HF4": ToolError,
    "HF9": InternalError,
}
# What stands for a refusal that carries no code of ours, by HTTP status.
_BY_STATUS = {
    400: "HF3009",
    401: "HF3015",
    403: "HF2002",
    404: "HF2003",
    405: "HF3016",
    409: "HF2004",
    429: "HF2009",
    501: "HF3016",
    503: "HF2010",
}

_ELSEWHERE = frozenset({301, 302, 303, 307, 308})

Asked: TypeAlias = Mapping[str, str | bool | int | tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Answered:
    """A good answer.

    Attributes:
        tree: Its body.
        done: What the server says of the command, `{}` when it says nothing.
    """

    tree: Any
    done: dict[str, Any]


class Rest:
    """One server."""

    def __init__(self, server: Server, clock: Clock) -> None:
        """Connect to nothing yet."""
        access = Access(
            server=server.url,
            sign_in=Token(server.token) if server.token else None,
            ca=server.ca or None,
            insecure=server.insecure,
            origin=f"the context {server.context}" if server.context else "--server",
        )
        self._transport = Transport(access, clock, Limits(request_s=_ANSWER_S))
        self.server = server
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"holdfast/{__version__}",
            CLIENT_HEADER: __version__,
            **dict(server.headers),
        }

    async def close(self) -> None:
        """Hang up."""
        await self._transport.close()

    async def send(
        self, method: str, path: str, query: Asked | None = None, body: JSON = None
    ) -> Answered:
        """Send a request.

        Raises:
            HoldfastError: the server refused, or cannot be reached.
        """
        headers, content = self._headers, None
        if method != "GET":
            headers = {**headers, "Content-Type": "application/json"}
            content = orjson.dumps(body) if body is not None else b""
        try:
            answer = await self._transport.request(
                method, path + _query(query), content, headers, repeatable=method == "GET"
            )
        except ClusterError as error:
            raise self._unreachable(error) from error
        if answer.status >= 300:
            raise self._refusal(answer.status, answer.body)
        done = answer.headers.get(DONE_HEADER)
        return Answered(self._parse(answer.body), orjson.loads(done) if done else {})

    async def get(self, path: str, query: Asked | None = None) -> Any:
        """Return the answer to a GET.

        Raises:
            HoldfastError: the server refused, or cannot be reached.
        """
        return (await self.send("GET", path, query)).tree

    async def follow(self, path: str, query: Asked | None = None) -> AsyncGenerator[Any, None]:
        """Yield what a stream tells, until it ends; close it when done (`aclosing`).

        Raises:
            HoldfastError: the server refused, or cannot be reached.
        """
        try:
            stream = await self._transport.open_stream(
                path + _query(query), self._headers, silence_s=_SILENCE_S
            )
        except ClusterError as error:
            raise self._unreachable(error) from error
        try:
            if stream.status >= 300:
                raise self._refusal(stream.status, await stream.read_all())
            rest = b""
            while piece := await stream.read():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield self._told(self._parse(line))
                if len(rest) > _MOST_LINE:
                    raise self._strange("a line of a stream has no end")
        finally:
            stream.close()

    def _told(self, tree: Any) -> Any:
        if isinstance(tree, dict) and "error" in tree:
            raise self._refusal(int(tree["error"].get("http_code") or 500), orjson.dumps(tree))
        return tree["result"] if isinstance(tree, dict) and "result" in tree else tree

    def _parse(self, body: bytes) -> Any:
        try:
            return orjson.loads(body) if body else {}
        except orjson.JSONDecodeError:
            raise self._strange("it does not answer with JSON") from None

    def _unreachable(self, error: ClusterError) -> ClusterError:
        """Return what it means that nobody answered, in words for a server and not a cluster."""
        if error.code != "HF2001":
            return error
        causes = _causes(error)
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            hint = "--server-crt FILE names the authority of its certificate; --insecure trusts it"
        elif any(isinstance(cause, ssl.SSLError) for cause in causes):
            hint = "does it speak TLS there? --plaintext goes without"
        elif self.server.plaintext and not any(
            isinstance(cause, OSError) and cause.errno != errno.ECONNRESET for cause in causes
        ):
            hint = "it hung up: does it want TLS? leave --plaintext out"
        else:
            hint = "look at the address and its port; `holdfast context` lists what is known here"
        message = error.message.replace("The API server", "The server", 1)
        return ClusterError("HF2001", message, hint=hint, retry=Retry.NEVER)

    def _strange(self, words: str) -> ConfigurationError:
        return ConfigurationError(
            "HF3016",
            f"{self.server.url} is no server that we understand: {words}",
            hint="look at --server; `holdfast context` lists what is known",
            retry=Retry.NEVER,
        )

    def _refusal(self, status: int, body: bytes) -> HoldfastError:
        if status in _ELSEWHERE:
            hint = "look at --server: give host and port of Holdfast itself"
            if self.server.plaintext:
                hint = "it wants TLS: leave --plaintext out"
            message = f"The server at {self.server.url} leads to another address (HTTP {status})"
            return ClusterError("HF2001", message, hint=hint, retry=Retry.NEVER)
        try:
            tree = orjson.loads(body)
        except orjson.JSONDecodeError:
            tree = None
        found = tree.get("error") if isinstance(tree, dict) else None
        if not isinstance(found, dict):
            said = found if isinstance(found, str) else body[:200].decode("utf-8", "replace")
            found = {"message": said.strip() or f"HTTP {status}"}
        code, about = str(found.get("code") or ""), str(found.get("about") or "")
        hint = str(found.get("hint") or "")
        if not code.startswith("HF"):
            code, about = _BY_STATUS.get(status, "HF2010"), about or self.server.url
        if status == 401:
            hint = self._way_in()
        elif code == "HF2002" and not hint:
            hint = "`holdfast account get-user-info` says who you are; roles say what you may do"
        kind = _FAMILIES.get(code[:3], ClusterError)
        return kind(code, str(found.get("message")), about=about, hint=hint, retry=Retry.NEVER)

    def _way_in(self) -> str:
        """Return the command that signs in again, or for the first time."""
        server = self.server
        if not (server.token and server.context):
            return f"holdfast login {server.address}"
        which = "" if server.is_current else f" --server-context {server.context}"
        return f"holdfast relogin{which}"


def _causes(error: BaseException) -> list[BaseException]:
    """Return what is behind an error, the nearest first."""
    found: list[BaseException] = []
    cause = error.__cause__
    while cause is not None and cause not in found:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def segment(text: str) -> str:
    """Quote one segment of a path; a slash in it stays a part of it."""
    return quote(text, safe="")


def _query(query: Asked | None) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if value is None or value == "" or value == ():
            continue
        values = value if isinstance(value, tuple) else (value,)
        pairs += [(name, str(one).lower() if isinstance(one, bool) else str(one)) for one in values]
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
