"""The API in this process: an ASGI client that checks every answer against the row it came from.

    world = ApiWorld(app())
    reply = await world.client.get("/api/v1/applications")
    async with world.client.stream("/api/v1/stream/applications") as messages:
        first = await messages.next()

`ApiWorld` has the real commands, queries and live copies over the fake cluster; who may do what is
a list of rules, and the bearer token is the caller's name.
"""

from __future__ import annotations

import asyncio
import fnmatch
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import PlainTextResponse

from holdfast.api.caller import Caller
from holdfast.api.failures import unauthenticated
from holdfast.api.live import LiveApplications
from holdfast.api.ports import ServerFacts, Services
from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from holdfast.api.table import Match, Route
from holdfast.domain.kinds import KindInfo
from holdfast.domain.pause import PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from pydantic import BaseModel
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message

    from tests.support.fakes import FakeClock, FakeJournal

Tree = dict[str, Any]
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def message(self) -> str:
        """The words of a refusal, in either shape."""
        error = self.json["error"]
        return str(error["message"] if isinstance(error, dict) else error)


class Messages:
    """What a stream sends, one value after the other."""

    def __init__(
        self, received: asyncio.Queue[Message], start: Message, shape: type[BaseModel] | None
    ) -> None:
        self._received, self._shape = received, shape
        self._rest = b""
        self.status = int(start["status"])
        self.headers = _headers(start)

    async def next(self) -> Any:
        """The next JSON value; None when the stream has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line, newline, rest = self._rest.partition(b"\n")
                if newline:
                    self._rest = rest
                    text = line.removeprefix(b"data: ").strip()
                    if text and text != b":":
                        return orjson.loads(text)
                    continue
                message = await self._received.get()
                if message["type"] != "http.response.body":
                    return None
                self._rest += message.get("body", b"")
                if not message.get("more_body") and not self._rest:
                    return None

    async def result(self) -> Any:
        """The next value of a stream of Argo CD's form."""
        result = (await self.next())["result"]
        if self._shape is not None:
            self._shape.model_validate(result)
        return result


class ApiClient:
    """Calls an ASGI application, and checks what it answers.

    Attributes:
        server: What is called.
        outer: What stands before it; itself, unless a test puts something there.
        token: The bearer token, `""` for none.
    """

    def __init__(self, server: ApiServer, token: str = "") -> None:
        self.server = server
        self.outer: ASGIApp = server
        self.token = token

    def as_(self, name: str) -> ApiClient:
        """The same for somebody else."""
        return ApiClient(self.server, name)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, body: Any = None) -> Reply:
        return await self.send("POST", path, body)

    async def put(self, path: str, body: Any = None) -> Reply:
        return await self.send("PUT", path, body)

    async def patch(self, path: str, body: Any = None) -> Reply:
        return await self.send("PATCH", path, body)

    async def delete(self, path: str) -> Reply:
        return await self.send("DELETE", path)

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Sends a request; the answer has the shape that its row documents."""
        received: asyncio.Queue[Message] = asyncio.Queue()
        async with asyncio.timeout(PATIENCE_S):
            await self._run(method, path, body, headers, received)
        start = received.get_nowait()
        parts = []
        while not received.empty():
            parts.append(received.get_nowait().get("body", b""))
        reply = Reply(int(start["status"]), _headers(start), b"".join(parts))
        own_client = "holdfast-client" in {name.lower() for name in headers or ()}
        self._check(method, path, reply, ours=own_client or path.startswith("/api/holdfast/"))
        return reply

    @asynccontextmanager
    async def stream(self, path: str, **headers: str) -> AsyncIterator[Messages]:
        """Opens a stream, and leaves it at the end of the block."""
        received: asyncio.Queue[Message] = asyncio.Queue()
        gone = asyncio.Event()
        running = asyncio.ensure_future(self._run("GET", path, None, headers, received, gone))
        running.add_done_callback(lambda _task: received.put_nowait({"type": "end"}))
        try:
            async with asyncio.timeout(PATIENCE_S):
                start = await received.get()
            if start["type"] == "end":
                running.result()
            match = self.server.table.match("GET", path.partition("?")[0])
            shape = match.route.answer if isinstance(match, Match) else None
            yield Messages(received, start, shape)
        finally:
            gone.set()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.wait({running})

    async def _run(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None,
        received: asyncio.Queue[Message],
        gone: asyncio.Event | None = None,
    ) -> None:
        content = body if isinstance(body, bytes) else orjson.dumps(body) if body else b""
        sent = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            if sent:
                return sent.pop()
            await (gone or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        scope = _scope(method, path, self._headers(method, headers))
        await self.outer(scope, receive, received.put)

    def _headers(self, method: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        found = {} if method in ("GET", "HEAD") else {"content-type": "application/json"}
        if self.token:
            found["authorization"] = f"Bearer {self.token}"
        return {**found, **{k.replace("_", "-"): v for k, v in (headers or {}).items()}}

    def _check(self, method: str, path: str, reply: Reply, *, ours: bool) -> None:
        match = self.server.table.match(method, path.partition("?")[0])
        if isinstance(match, Match) and match.route.answer is not None and reply.status == 200:
            check_answer(match.route, reply)
        if reply.status >= 400 and reply.headers.get("content-type") == "application/json":
            check_refusal(reply, ours=ours)


def check_answer(route: Route, reply: Reply) -> None:
    """Makes sure that an answer, or each message of a stream, has the shape of its row."""
    assert route.answer is not None
    if not route.streams:
        route.answer.model_validate_json(reply.body)
    elif reply.headers["content-type"] == "application/json":
        for line in reply.body.splitlines():
            message = orjson.loads(line)
            if "error" not in message:
                route.answer.model_validate(message["result"] if not route.is_ours else message)


def check_refusal(reply: Reply, *, ours: bool) -> None:
    """Makes sure that an error has the documented shape, and tells nothing more."""
    if ours:
        assert set(reply.json) == {"error"}
        assert set(reply.json["error"]) == {"code", "message", "about", "hint"}
    else:
        assert set(reply.json) == {"error", "message", "code"}
        assert 1 <= reply.json["code"] <= 16
    assert b"Traceback" not in reply.body


class NamedSignIn:
    """The bearer token is the caller's name; `revoked` names are no good any more."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def identify(self, connection: HTTPConnection) -> Caller:
        found = await self.identify_or_none(connection)
        if found is None:
            raise unauthenticated()
        return found

    async def identify_or_none(self, connection: HTTPConnection) -> Caller | None:
        name = connection.headers.get("authorization", "").removeprefix("Bearer ")
        return Caller(name, username=name) if name and name not in self.revoked else None

    def is_still_good(self, caller: Caller) -> bool:
        return caller.subject not in self.revoked


class RuleRoles:
    """`(who, resource, action, object)` with `*`; who has no rule may do nothing."""

    def __init__(self, *rules: tuple[str, str, str, str]) -> None:
        self.rules = list(rules) or [("admin", "*", "*", "*")]

    def allows(self, caller: Caller, resource: str, action: str, target: str) -> bool:
        asked = (caller.subject, resource, action, target)
        return any(
            all(fnmatch.fnmatchcase(value, part) for value, part in zip(asked, rule, strict=True))
            for rule in self.rules
        )


@dataclass
class DictSettings:
    """`argocd-cm` and the others as dicts."""

    texts: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return self.texts.get(key, default)

    def switch(self, key: str, *, default: bool = False) -> bool:
        return self.texts[key] == "true" if key in self.texts else default

    def cm(self) -> dict[str, str]:
        return dict(self.texts)

    def rbac(self) -> dict[str, str]:
        return dict(self.rules)

    def secret(self, key: str) -> str:
        return self.hidden.get(key, "")

    def secrets(self) -> dict[str, str]:
        return dict(self.hidden)

    async def put_secret(self, changes: dict[str, str | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.hidden.pop(key, None)
            else:
                self.hidden[key] = value


class ApiWorld:
    """The API over requests' fake cluster. `admin` may do everything."""

    def __init__(self, *objects: Tree, renders: tuple[Tree, ...] = (), **options: Any) -> None:
        # Here, since `tests.unit.requests` is no part of the support that others import.
        from tests.unit.requests.given import World  # noqa: PLC0415

        self.world = World(*objects, renders=renders)
        self.cluster = self.world.cluster
        verbs = ("get", "list", "watch", "create", "update", "patch", "delete")
        self.world.kinds.known[PAUSE] = KindInfo(PAUSE, "pauses", namespaced=True, verbs=verbs)
        self.sign_in, self.settings = NamedSignIn(), DictSettings()
        self.roles = RuleRoles(*options.pop("rules", ()))
        self.journal: FakeJournal | None = options.pop("journal", None)
        self.clock: FakeClock = self.world.clock
        self.applications = LiveApplications(self.cluster.watching, "argocd", self.world.feed)
        self.applications.start()
        self.services = Services(
            commands=self.world.commands,
            queries=self.world.queries,
            applications=self.applications,
            sign_in=self.sign_in,
            roles=self.roles,
            settings=self.settings,
            clock=self.clock,
            facts=ServerFacts("argocd", "https://127.0.0.1:6443"),
            journal=self.journal,
        )
        page = PlainTextResponse("no page", 404)
        self.client = ApiClient(ApiServer(all_routes(), self.services, page), "admin")


def routes_of(client: ApiClient) -> tuple[Route, ...]:
    """Every row that a client's server serves."""
    return client.server.table.routes


def _scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
    }


def _headers(start: Message) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in start["headers"]}


def inside(application: Any) -> ApiServer:
    """The server itself, whatever packs its answers or moves its paths."""
    while not isinstance(application, ApiServer):
        application = application._inner
    return application
