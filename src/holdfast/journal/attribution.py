"""Who made a drift: match the requests of the audit log with the episodes, never by guess (B2).

In:  drifts as they are opened (a `Listener`), and requests as the audit webhook brings them; one
     may come long before the other (kube-apiserver sends batches, 30 s by default).
Out: `DriftAttributed`, once for an episode, or nothing: then it stays unknown.

A request fits an episode when it wrote that very object, and
  1. its answer has the resourceVersion that was seen drifted: that proves it, at once;
  2. it deleted the object with the uid that is gone: so does that;
  3. else, where the audit level has no answers, or the form that was seen drifted is a later one
     than the request made: it ended within `before_s` before or `after_s` after the drift was seen,
     nothing speaks against it (uid, resourceVersion, field manager), and `settle_s` later nobody
     else's request fits as well. Two users fit: unknown. So it is where not all that time was
     listened to: what came before a restart is not known after it.
A collection that was deleted (`deletecollection`) names no object: it accuses nobody, and where it
fits it makes others unsure.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from holdfast.domain.audit import AuditedRequest, DriftAttributed
from holdfast.domain.drift import DriftKind
from holdfast.domain.events import DriftOpened, Happening

_DELETES = frozenset({"delete", "deletecollection"})
_EVICTION = "eviction"
_Place: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AttributionSettings:
    """How long what is remembered.

    Attributes:
        before_s, after_s: Around the moment a drift was seen; `after_s` is for clocks that differ.
        settle_s: Seconds after which every API server has sent its batch (twice 30 s).
        episodes, requests: How many wait at most; the oldest are forgotten.
    """

    before_s: float = 10.0
    after_s: float = 2.0
    settle_s: float = 60.0
    episodes: int = 5000
    requests: int = 20_000


class Attribution:
    """Remembers the last minutes of drifts and requests; a `Listener`."""

    def __init__(
        self,
        find_resource: Callable[[str, str], str],
        attributed: Callable[[DriftAttributed], None],
        settings: AttributionSettings | None = None,
    ) -> None:
        """Start empty.

        Args:
            find_resource: The plural of a group and kind, `""` when the server has none such.
            attributed: Told of each match; returns at once.
            settings: How long what is remembered.
        """
        self._find_resource = find_resource
        self._attributed = attributed
        self._settings = settings or AttributionSettings()
        self._open: OrderedDict[str, DriftOpened] = OrderedDict()
        self._open_at: dict[_Place, list[DriftOpened]] = {}
        self._requests: deque[AuditedRequest] = deque()
        self._requests_at: dict[_Place, list[AuditedRequest]] = {}
        self._our_user = ""
        self._since: datetime | None = None

    def use_identity(self, username: str) -> None:
        """Say who we are: what we asked for ourselves accuses nobody."""
        self._our_user = username

    def listens_since(self, moment: datetime) -> None:
        """Say since when every request comes here: who is not heard might be the other one."""
        self._since = moment

    def take(self, happening: Happening) -> None:
        """Take note of a drift."""
        if not isinstance(happening, DriftOpened) or happening.episode in self._open:
            return
        self._open[happening.episode] = happening
        self._open_at.setdefault(_place(happening), []).append(happening)
        if len(self._open) > self._settings.episodes:
            self._forget(next(iter(self._open.values())))
        known = self._requests_at.get(_place(happening), ())
        self._prove(happening, [found for found in known if self._is_of(found, happening)])

    def heard(self, request: AuditedRequest) -> None:
        """Take note of a request."""
        if self._is_ours(request):
            return
        place = (request.group, request.namespace, request.name)
        self._requests.append(request)
        self._requests_at.setdefault(place, []).append(request)
        if len(self._requests) > self._settings.requests:
            self._drop_oldest()
        for opened in tuple(self._open_at.get(place, ())):
            if self._is_of(request, opened):
                self._prove(opened, [request])

    def settle(self, now: datetime) -> None:
        """Decide about drifts whose requests must all have come by now."""
        wait = timedelta(seconds=self._settings.settle_s)
        while self._open:
            opened = next(iter(self._open.values()))
            if opened.detected_at + wait > now:
                break
            self._forget(opened)
            found = self._only_one(opened) if self._heard_all(opened) else None
            if found is not None:
                self._attributed(DriftAttributed(opened.episode, found, "time"))
        oldest = now - wait - timedelta(seconds=self._settings.before_s)
        while self._requests and self._requests[0].at < oldest:
            self._drop_oldest()

    # --- inside -------------------------------------------------------------------------------

    def _forget(self, opened: DriftOpened) -> None:
        del self._open[opened.episode]
        left = self._open_at[_place(opened)]
        left.remove(opened)
        if not left:
            del self._open_at[_place(opened)]

    def _drop_oldest(self) -> None:
        request = self._requests.popleft()
        place = (request.group, request.namespace, request.name)
        left = self._requests_at[place]
        left.remove(request)
        if not left:
            del self._requests_at[place]

    def _is_ours(self, request: AuditedRequest) -> bool:
        """Whether it is a request of this program; a person may share our user on a laptop."""
        if request.user_agent != "holdfast" or request.impersonator:
            return False
        return self._our_user in ("", request.username)

    def _is_of(self, request: AuditedRequest, opened: DriftOpened) -> bool:
        """Whether a request at the place of an object was for it, and of the right kind."""
        deletes = request.verb in _DELETES or request.subresource == _EVICTION
        if deletes != (opened.drift.kind is DriftKind.MISSING):
            return False
        key = opened.drift.key
        return request.resource == self._find_resource(key.group, key.kind)

    def _prove(self, opened: DriftOpened, requests: list[AuditedRequest]) -> None:
        """Look for a request that must have been it."""
        proven = [found for found in requests if _proves(found, opened)]
        if proven and len({_who(found) for found in proven}) == 1:
            by = "uid" if opened.drift.kind is DriftKind.MISSING else "resourceVersion"
            self._forget(opened)
            self._attributed(DriftAttributed(opened.episode, proven[0], by))

    def _heard_all(self, opened: DriftOpened) -> bool:
        """Whether whatever can have made it would have been heard."""
        first = opened.detected_at - timedelta(seconds=self._settings.before_s)
        return self._since is None or first >= self._since

    def _only_one(self, opened: DriftOpened) -> AuditedRequest | None:
        """Return the request that alone can have been it."""
        first = opened.detected_at - timedelta(seconds=self._settings.before_s)
        last = opened.detected_at + timedelta(seconds=self._settings.after_s)
        group, namespace, _ = place = _place(opened)
        known = (
            *self._requests_at.get(place, ()),
            *self._requests_at.get((group, namespace, ""), ()),  # whole collections
        )
        fitting = [
            found
            for found in known
            if first <= found.at <= last
            and self._is_of(found, opened)
            and not _is_disproved(found, opened)
        ]
        is_sure = all(found.name for found in fitting) and len({_who(r) for r in fitting}) == 1
        return fitting[-1] if is_sure else None


def _place(opened: DriftOpened) -> _Place:
    key = opened.drift.key
    return key.group, key.namespace, key.name


def _who(request: AuditedRequest) -> tuple[str, str]:
    return request.username, request.impersonator


def _proves(request: AuditedRequest, opened: DriftOpened) -> bool:
    if opened.drift.kind is DriftKind.MISSING:
        return bool(request.uid) and request.uid == opened.uid
    return bool(request.version) and request.version == opened.version


def _is_disproved(request: AuditedRequest, opened: DriftOpened) -> bool:
    """Whether what the request says of itself speaks against it."""
    if request.uid and opened.uid and request.uid != opened.uid:
        return True
    if opened.drift.kind is DriftKind.MISSING:
        return False
    if request.version and opened.version and not _may_have_made(request.version, opened):
        return True
    managers = {name for row in opened.drift.differences for name in row.managers}
    return bool(managers) and request.manager not in managers


def _may_have_made(version: int, opened: DriftOpened) -> bool:
    """Whether a write that made this version can be what was seen drifted.

    An event that was passed over, because a later one came with it, is between the last form that
    was as it should be and the one that was seen.
    """
    if opened.after:
        return opened.after < version <= opened.version
    return version == opened.version
