"""Reading objects, pod logs, and who we are. Implements the port `ClusterReader`."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import orjson

from holdfast.cluster.calls import JSON_HEADERS, READ_HEADERS, Calls, refusal
from holdfast.cluster.discovery import unknown_kind
from holdfast.cluster.lines import LineSplitter
from holdfast.cluster.paths import collection_path, object_path
from holdfast.cluster.transport import Response
from holdfast.domain.errors import ClusterError
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.ports import Listed

PAGE_OBJECTS = 100
PAGE_BYTES = 256 * 1024  # a page must decode in a few milliseconds (apply.md C1)
FIRST_PAGE_OBJECTS = 20  # before anything is known of the sizes
LIST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server takes us for."""

    user: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of a container's log.

    Attributes:
        container: `""` is the only one, or the default.
        follow: Go on as lines are written.
        tail_lines: Only the last so many, or None.
        since_seconds: Only what is younger, or None.
        since_time: Only what is younger (RFC 3339), or `""`.
        previous: Of the container's previous run.
        timestamps: Each line begins with its time.
    """

    container: str = ""
    follow: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    since_time: str = ""
    previous: bool = False
    timestamps: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, as it came: not sealed, not completed."""

    items: list[Tree]
    resource_version: str
    next_page: str
    size_bytes: int


class PageSize:
    """How many objects to ask for: at most 100, and no more than decode at once without a pause.

    Whatever decodes stops the event loop, and with it every heal. The sizes of a kind differ
    little from page to page; a single object larger than a page comes alone.
    """

    __slots__ = ("objects",)

    def __init__(self) -> None:
        """Begin with a few: one list more costs less than a page of a hundred large objects."""
        self.objects = FIRST_PAGE_OBJECTS

    def learn(self, page: Page) -> None:
        """Choose the next page by what this one held; it grows by four at most."""
        if page.items:
            fitting = PAGE_BYTES * len(page.items) // max(1, page.size_bytes)
            self.objects = max(1, min(fitting, self.objects * 4, PAGE_OBJECTS))


class Reader:
    """Reads one cluster."""

    def __init__(self, calls: Calls) -> None:
        """Read through `calls`."""
        self._calls = calls

    async def get(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        """Return the object (sealed), or None when it, its namespace or its kind is missing.

        What it holds can be sent back: its values stay openable for a while.
        """
        info = await self._find(gvk)
        if info is None:
            return None
        answer = await self._calls.transport.request(
            "GET", object_path(info, namespace, name), headers=READ_HEADERS, repeatable=True
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise refusal(answer, about=f"{gvk.group_kind} {namespace}/{name}")
        return self._calls.received(answer.body, remember=True)

    async def list(
        self, gvk: GroupVersionKind, namespace: str | None = None, selector: str = ""
    ) -> Listed:
        """Return all objects of a kind in one namespace, or in all when None; paged inside."""
        info = await self._calls.discovery.get(gvk)
        tries = 0
        while True:
            try:
                return await self._list(info, namespace, selector)
            except ClusterError as error:
                tries += 1
                # 410: the pages took longer than the server remembers; from the beginning then.
                if error.code != "HF2015" or tries >= LIST_TRIES:
                    raise

    async def server_version(self) -> str:
        """Return `v1.36.3`."""
        answer = await self._calls.transport.request(
            "GET", "/version", headers=READ_HEADERS, repeatable=True
        )
        if answer.status != 200:
            raise refusal(answer, about="/version")
        return str(orjson.loads(answer.body).get("gitVersion", ""))

    async def whoami(self) -> Identity:
        """Ask the server who we are (SelfSubjectReview); nothing is created."""
        group = "authentication.k8s.io"
        body = orjson.dumps({"apiVersion": f"{group}/v1", "kind": "SelfSubjectReview"})
        answer = await self._calls.transport.request(
            "POST", f"/apis/{group}/v1/selfsubjectreviews", body, JSON_HEADERS, repeatable=True
        )
        if answer.status >= 300:
            raise refusal(answer, about="SelfSubjectReview")
        user = orjson.loads(answer.body).get("status", {}).get("userInfo", {})
        return Identity(str(user.get("username", "")), tuple(user.get("groups") or ()))

    async def logs(
        self, namespace: str, pod: str, query: LogQuery | None = None
    ) -> AsyncGenerator[str, None]:
        """Yield the lines of a container's log, without their newline.

        Raises:
            ClusterError: no such pod or container, it has not started, or the stream broke.
        """
        path = (
            f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
            f"?{urlencode(_log_words(query or LogQuery()))}"
        )
        # A followed log may be silent for long; one that is not followed may not.
        silence_s = 24 * 3600.0 if query is not None and query.follow else None
        stream = await self._calls.transport.open_stream(path, silence_s=silence_s)
        try:
            if stream.status != 200:
                body = await stream.read_all()
                raise refusal(
                    Response(stream.status, body, stream.headers), about=f"Pod {namespace}/{pod}"
                )
            splitter = LineSplitter(keep_empty=True)
            while chunk := await stream.read():
                for line in splitter.feed(chunk):
                    yield bytes(line).decode("utf-8", "replace")
            if splitter.pending_bytes:  # the last line may lack its newline
                for line in splitter.feed(b"\n"):
                    yield bytes(line).decode("utf-8", "replace")
        finally:
            stream.close()

    async def _find(self, gvk: GroupVersionKind) -> KindInfo | None:
        info = self._calls.discovery.find(gvk)
        if info is None:
            await self._calls.discovery.refresh()
            info = self._calls.discovery.find(gvk)
        return info

    async def _list(self, info: KindInfo, namespace: str | None, selector: str) -> Listed:
        path = collection_path(info, namespace)
        items: list[Manifest] = []
        next_page = version = ""
        size = PageSize()
        while True:
            place = Place(selector, next_page, size.objects)
            page = await read_page(self._calls, path, place, about=info.gvk)
            size.learn(page)
            version = version or page.resource_version
            for item in page.items:
                complete(item, info)
                items.append(Manifest(self._calls.sealer.seal_tree(item, remember=False)))
            next_page = page.next_page
            if not next_page:
                return Listed(tuple(items), version)


@dataclass(frozen=True, slots=True)
class Place:
    """Which page of a list: selector, the token of the page (`""`: the first), how many objects."""

    selector: str
    next_page: str
    objects: int


async def read_page(calls: Calls, path: str, place: Place, *, about: GroupVersionKind) -> Page:
    """Read one page of a consistent list (no resourceVersion is sent).

    Raises:
        ClusterError: HF2006 kind gone, HF2002 not permitted, HF2015 the pages are too old …
    """
    words: dict[str, str] = {"limit": str(place.objects)}
    if place.selector:
        words["labelSelector"] = place.selector
    if place.next_page:
        words["continue"] = place.next_page
    answer = await calls.transport.request(
        "GET", f"{path}?{urlencode(words)}", headers=READ_HEADERS, repeatable=True
    )
    if answer.status == 404:
        raise unknown_kind(about)
    if answer.status != 200:
        raise refusal(answer, about=about)
    tree = orjson.loads(answer.body)
    metadata = tree.get("metadata") or {}
    return Page(
        tree.get("items") or [],
        str(metadata.get("resourceVersion", "")),
        str(metadata.get("continue", "")),
        len(answer.body),
    )


def complete(item: Tree, info: KindInfo) -> None:
    """Give an item of a list the apiVersion and kind that the server leaves out there."""
    item.setdefault("apiVersion", info.gvk.api_version)
    item.setdefault("kind", info.gvk.kind)


def _log_words(query: LogQuery) -> dict[str, str]:
    words = {
        "container": query.container,
        "follow": "true" if query.follow else "",
        "tailLines": "" if query.tail_lines is None else str(query.tail_lines),
        "sinceSeconds": "" if query.since_seconds is None else str(query.since_seconds),
        "sinceTime": query.since_time,
        "previous": "true" if query.previous else "",
        "timestamps": "true" if query.timestamps else "",
    }
    return {key: value for key, value in words.items() if value}
