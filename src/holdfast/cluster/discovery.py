"""Which kinds a server serves: two requests with aggregated discovery, more without.

The port `Kinds`. Nothing is asked periodically: whoever learns that a CRD came or went, or meets
a kind that is not known, calls `refresh`. Calls that arrive together share one answer.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import orjson

from holdfast.cluster import errors
from holdfast.cluster.transport import JSON_TYPE, Response, Transport
from holdfast.domain.errors import ClusterError, HoldfastError, Retry
from holdfast.domain.identity import GroupKind, GroupVersionKind
from holdfast.domain.kinds import KindInfo
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.ports import Clock

_AGGREGATED = {
    "Accept": ",".join(
        (
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
            JSON_TYPE,
        )
    )
}
_PLAIN = {"Accept": JSON_TYPE}
_AT_ONCE = 8
MIN_GAP_S = 0.2


class Discovery:
    """The kinds of one server, cached. Implements the port `Kinds`."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        """Know nothing yet; `refresh` asks.

        Args:
            transport: The server.
            clock: For the gap between two refreshes.
        """
        self._transport = transport
        self._clock = clock
        self._kinds: dict[GroupVersionKind, KindInfo] = {}
        self._preferred: dict[GroupKind, KindInfo] = {}
        self._waiting: asyncio.Future[None] | None = None
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._listeners: list[Callable[[], None]] = []

    def find(self, gvk: GroupVersionKind) -> KindInfo | None:
        """Return a served kind in exactly this version."""
        return self._kinds.get(gvk)

    def find_preferred(self, kind: GroupKind) -> KindInfo | None:
        """Return a kind in the server's preferred version."""
        return self._preferred.get(kind)

    def all(self) -> Sequence[KindInfo]:
        """Return every served kind and version."""
        return tuple(self._kinds.values())

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each refresh that brought other kinds."""
        self._listeners.append(listener)

    async def get(self, gvk: GroupVersionKind) -> KindInfo:
        """Return a kind, asking the server once more when it is not known.

        Raises:
            ClusterError: HF2006, the server does not serve it.
        """
        info = self._kinds.get(gvk)
        if info is None:
            await self.refresh()
            info = self._kinds.get(gvk)
        if info is None:
            raise unknown_kind(gvk)
        return info

    async def refresh(self) -> None:
        """Ask the server. An answer counts for every caller that came before it was asked for.

        Raises:
            ClusterError: HF2001 or another; what was known stays.
        """
        if self._waiting is not None:
            await asyncio.shield(self._waiting)
            return
        mine = self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with self._asking:
                gap = self._asked_at + MIN_GAP_S - self._clock.monotonic()
                if gap > 0:
                    await self._clock.sleep(gap)
                self._waiting = None  # whoever comes from now on needs a newer answer
                self._asked_at = self._clock.monotonic()
                self._take(await self._ask())
        except BaseException as error:
            self._waiting = None if self._waiting is mine else self._waiting
            failure = error if isinstance(error, HoldfastError) else _interrupted()
            mine.set_exception(failure)
            mine.exception()  # nobody may be waiting: the caller gets the error itself
            raise
        mine.set_result(None)

    def _take(self, kinds: list[KindInfo]) -> None:
        found = {info.gvk: info for info in kinds}
        if found == self._kinds:
            return
        self._kinds = found
        self._preferred = {}
        for info in kinds:  # versions of a group come in the server's order of preference
            self._preferred.setdefault(info.gvk.group_kind, info)
        for listener in self._listeners:
            listener()

    async def _ask(self) -> list[KindInfo]:
        kinds: list[KindInfo] = []
        for root in ("/api", "/apis"):
            answer = await self._get(root, _AGGREGATED)
            tree = _load(answer)
            if tree.get("kind") == "APIGroupDiscoveryList":
                kinds += self._aggregated(tree)
            elif root == "/api":
                versions = [GroupVersionKind("", str(v), "") for v in tree.get("versions") or ()]
                kinds += await self._one_by_one(versions)
            else:
                kinds += await self._one_by_one(_group_versions(tree))
        return kinds

    def _aggregated(self, tree: Tree) -> list[KindInfo]:
        kinds: list[KindInfo] = []
        for group in tree.get("items") or ():
            name = group.get("metadata", {}).get("name", "")
            for version in group.get("versions") or ():
                label = version.get("version", "")
                if version.get("freshness") == "Stale" and not version.get("resources"):
                    # An aggregated API server is away: what it served before is still ours.
                    kinds += self._known(name, label)
                for item in version.get("resources") or ():
                    kind = item.get("responseKind", {}).get("kind") or ""
                    kinds.append(
                        KindInfo(
                            gvk=GroupVersionKind(name, label, kind),
                            plural=item["resource"],
                            namespaced=item.get("scope") == "Namespaced",
                            verbs=tuple(item.get("verbs") or ()),
                            short_names=tuple(item.get("shortNames") or ()),
                            subresources=tuple(
                                sub["subresource"] for sub in item.get("subresources") or ()
                            ),
                        )
                    )
        return kinds

    def _known(self, group: str, version: str) -> list[KindInfo]:
        return [
            info
            for gvk, info in self._kinds.items()
            if gvk.group == group and gvk.version == version
        ]

    async def _one_by_one(self, versions: Iterable[GroupVersionKind]) -> list[KindInfo]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def ask(version: GroupVersionKind) -> list[KindInfo]:
            path = f"/apis/{version.api_version}" if version.group else f"/api/{version.version}"
            async with places:
                try:
                    return _resources(version, _load(await self._get(path, _PLAIN)))
                except ClusterError as error:
                    if error.status in (404, 503):  # an aggregated API that is away
                        return self._known(version.group, version.version)
                    raise

        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(ask(version)) for version in versions]
        except* ClusterError as failed:
            raise failed.exceptions[0] from None
        return [info for task in asked for info in task.result()]

    async def _get(self, path: str, headers: dict[str, str]) -> Response:
        answer = await self._transport.request("GET", path, headers=headers, repeatable=True)
        if answer.status != 200:
            parsed = errors.parse_answer(
                answer.status, answer.body, answer.headers.get("Retry-After")
            )
            raise errors.classify(parsed, about=f"discovery {path}")
        return answer


def unknown_kind(gvk: GroupVersionKind, about: object = "") -> ClusterError:
    """Return the error for a kind that the server does not serve."""
    return ClusterError(
        "HF2006",
        f"The Kubernetes API could not find {gvk.group or 'core'}/{gvk.kind} in version "
        f'"{gvk.api_version}".',
        about=about or str(gvk),
        hint="Install the CustomResourceDefinition, or correct apiVersion and kind.",
        retry=Retry.ON_PREREQUISITE,
    )


def _interrupted() -> ClusterError:
    return ClusterError("HF2001", "Asking the API server for its kinds was interrupted.")


def _load(answer: Response) -> Tree:
    tree: JSON = orjson.loads(answer.body)
    return tree if isinstance(tree, dict) else {}


def _group_versions(tree: Tree) -> list[GroupVersionKind]:
    found: list[GroupVersionKind] = []
    for group in tree.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("version", "")
        versions = [str(item.get("version")) for item in group.get("versions") or ()]
        versions.sort(key=lambda version: version != preferred)
        found += [GroupVersionKind(str(group.get("name")), version, "") for version in versions]
    return found


def _resources(version: GroupVersionKind, tree: Tree) -> list[KindInfo]:
    items = [item for item in tree.get("resources") or () if isinstance(item, dict)]
    subresources: dict[str, list[str]] = {}
    for item in items:
        plural, slash, sub = str(item.get("name")).partition("/")
        if slash:
            subresources.setdefault(plural, []).append(sub)
    return [
        KindInfo(
            gvk=GroupVersionKind(version.group, version.version, str(item.get("kind"))),
            plural=str(item.get("name")),
            namespaced=item.get("namespaced") is True,
            verbs=tuple(item.get("verbs") or ()),
            short_names=tuple(item.get("shortNames") or ()),
            subresources=tuple(subresources.get(str(item.get("name")), ())),
        )
        for item in items
        if "/" not in str(item.get("name"))
    ]
