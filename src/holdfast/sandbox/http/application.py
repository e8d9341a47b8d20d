"""The HTTP border: who may talk, which handler answers, and how refusals are written.

    Host -> token -> path -> resource -> verb

An ASGI application; it knows no framework, because each request of a heal passes here.
"""

import hmac
import logging
from dataclasses import dataclass

from holdfast.sandbox.http.answers import (
    JSON_TYPE,
    Answer,
    Message,
    Receive,
    Send,
    json_answer,
    negotiate,
    status_answer,
    text_answer,
)
from holdfast.sandbox.http.changing import Changer
from holdfast.sandbox.http.discovery import Discovery
from holdfast.sandbox.http.reading import Reader
from holdfast.sandbox.http.requests import Request
from holdfast.sandbox.http.subresources import Subresources
from holdfast.sandbox.http.watch import Watches
from holdfast.sandbox.kinds.paths import Target, parse_target
from holdfast.sandbox.kinds.resource import Resource
from holdfast.sandbox.openapi.documents import EMPTY_VERSION_2, PROTOBUF_VERSION_2, Documents
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.statuses import (
    StatusError,
    internal,
    method_not_allowed,
    resource_missing,
    server_does_not_allow,
    unauthorized,
)

log = logging.getLogger(__name__)

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.3-holdfast",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "holdfast/sandbox",
}

_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(slots=True)
class Handlers:
    """What answers requests."""

    plane: Plane
    reader: Reader
    changer: Changer
    watches: Watches
    discovery: Discovery
    documents: Documents
    subresources: Subresources


class Application:
    """The API server as an ASGI application."""

    def __init__(self, handlers: Handlers, token: str) -> None:
        """Take the handlers and the only token that is let in."""
        self._handlers = handlers
        self._authorization = f"Bearer {token}"

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request.from_scope(scope, receive)
        try:
            answer = await self._answer(request, send)
        except StatusError as error:
            answer = status_answer(error)
        except Exception:
            log.exception("HF9001 the sandbox failed at %s %s", request.method, request.path)
            answer = status_answer(internal("the sandbox failed; its log says where"))
        if answer is not None:
            await answer.write(send, with_body=request.method != "HEAD")

    async def _answer(self, request: Request, send: Send) -> Answer | None:
        """Return the answer; None when a stream has answered."""
        self._check_host(request)
        path = request.path
        if path.rstrip("/") in _HEALTH or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            return text_answer("ok")
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), self._authorization.encode()):
            raise unauthorized()
        if path == "/version" or path == "/version/":
            return json_answer(dict(VERSION))
        if path.startswith("/openapi/"):
            return self._openapi(request)
        target = parse_target(path)
        if target is None or not target.plural:
            return self._root(request)
        return await self._resource(request, target, send)

    def _check_host(self, request: Request) -> None:
        """A page in a browser that was tricked into calling us names its own host."""
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name not in _HOSTS:
            raise StatusError(403, "Forbidden", f'the sandbox does not answer to the host "{host}"')

    def _root(self, request: Request) -> Answer:
        if request.path.startswith(("/api/", "/apis/")) or request.path in {"/api", "/apis"}:
            if request.method not in {"GET", "HEAD"}:
                raise server_does_not_allow()
            return self._handlers.discovery.answer(request)
        if request.path == "/":
            return json_answer({"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]})
        # What the real server says about a path that is no API: text, not a Status (apply.md A3).
        return text_answer("404 page not found\n", 404)

    def _openapi(self, request: Request) -> Answer:
        documents = self._handlers.documents
        name = request.path.strip("/").removeprefix("openapi/")
        if name == "v3":
            return Answer(200, documents.index())
        if name.startswith("v3/"):
            return Answer(200, documents.version_3(name.removeprefix("v3/")))
        if name == "v2":
            if "protobuf" in request.accept and "json" not in request.accept:
                # kubectl reads version 3; it asks for this only about kinds that do not exist.
                return Answer(200, EMPTY_VERSION_2, PROTOBUF_VERSION_2)
            negotiate(request.accept, ())
            return Answer(200, documents.version_2())
        raise resource_missing()

    async def _resource(self, request: Request, target: Target, send: Send) -> Answer | None:
        handlers = self._handlers
        resource = handlers.plane.registry.find(target.group, target.version, target.plural)
        if resource is None:
            if not handlers.plane.registry.serves_group(target.group):
                return text_answer("404 page not found\n", 404)
            raise resource_missing()
        if target.namespace and not resource.namespaced:
            raise resource_missing()
        if target.subresource and target.subresource != "status":
            return await handlers.subresources.answer(request, resource, target)
        if target.subresource and target.subresource not in resource.subresources:
            raise resource_missing()
        match request.method:
            case "GET" | "HEAD":
                return await self._read(request, resource, target, send)
            case "POST":
                return await self._create(request, resource, target)
            case "PUT" | "PATCH" | "DELETE":
                return await self._change(request, resource, target)
            case _:
                raise server_does_not_allow()

    async def _read(
        self, request: Request, resource: Resource, target: Target, send: Send
    ) -> Answer | None:
        if request.flag("watch"):
            self._demand(resource, "watch")
            await self._handlers.watches.serve(request, resource, target, send)
            return None
        if target.name:
            self._demand(resource, "get")
            return self._handlers.reader.get(request, resource, target)
        self._demand(resource, "list")
        return self._handlers.reader.read_list(request, resource, target)

    async def _create(self, request: Request, resource: Resource, target: Target) -> Answer:
        if target.name:
            raise server_does_not_allow()
        self._demand(resource, "create")
        review = self._handlers.subresources.find_review(resource)
        if review is not None:
            return await review(request, target)
        return await self._handlers.changer.create(request, resource, target)

    async def _change(self, request: Request, resource: Resource, target: Target) -> Answer:
        changer = self._handlers.changer
        match request.method, bool(target.name):
            case "PUT", True:
                self._demand(resource, "update")
                return await changer.update(request, resource, target)
            case "PATCH", True:
                self._demand(resource, "patch")
                return await changer.patch(request, resource, target)
            case "DELETE", True:
                self._demand(resource, "delete")
                return await changer.delete(request, resource, target)
            case "DELETE", False:
                self._demand(resource, "deletecollection")
                return await changer.delete_collection(request, resource, target)
            case _:
                raise server_does_not_allow()

    @staticmethod
    def _demand(resource: Resource, verb: str) -> None:
        if verb not in resource.verbs:
            raise method_not_allowed(resource.named(), verb)


__all__ = ["JSON_TYPE", "VERSION", "Application", "Handlers"]
