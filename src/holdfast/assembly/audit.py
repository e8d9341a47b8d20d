"""`POST /audit`: the audit webhook of kube-apiserver, off unless a token is set.

    token (constant time, before a byte of the body) ─▶ rate ─▶ size ─▶ events one by one
                                                             ─▶ `Attribution` ─▶ journal

Events are decoded one at a time, those above 256 KiB without their objects, with a turn of the
event loop after every few or so much: a heal never waits for a batch
(docs/internals/argocd/apply.md C1). Nothing here is on the path of a heal.
"""

import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast.cluster.reader import Reader
from holdfast.domain.errors import ClusterError, ConfigurationError, Retry
from holdfast.domain.events import DriftOpened
from holdfast.domain.identity import GroupKind
from holdfast.domain.ports import Clock, Kinds
from holdfast.journal.attribution import Attribution
from holdfast.journal.audit_events import (
    MOST_CHARS,
    AuditBodyError,
    read_event,
    split_events,
)
from holdfast.journal.writer import JournalWriter

log = logging.getLogger(__name__)

PATH = "/audit"
_SHORTEST_TOKEN = 16
_SETTLE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class AuditLimits:
    """How much may come.

    Attributes:
        body_bytes: Of one request; kube-apiserver's own limit of a batch is 10 MiB.
        events: Of one request; kube-apiserver sends 400 (`--audit-webhook-batch-max-size`).
        per_s, burst: Requests a second, and how many at once.
        at_once: Bodies that are read at the same time.
        turn: Events between two turns of the event loop.
    """

    body_bytes: int = 12 * 1024 * 1024
    events: int = 5000
    per_s: float = 20.0
    burst: float = 50.0
    at_once: int = 2
    turn: int = 8


def read_token(path: str) -> str:
    """Return the token of `--audit-token-file`.

    Raises:
        ConfigurationError: HF3009, it cannot be read or is too short.
    """
    try:
        token = Path(path).expanduser().read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise ConfigurationError(
            "HF3009",
            f"--audit-token-file {path} cannot be read: {reason}",
            hint="it holds the token of the webhook's kubeconfig: openssl rand -hex 32 > FILE",
            retry=Retry.NEVER,
        ) from error
    if len(token) < _SHORTEST_TOKEN:
        raise ConfigurationError(
            "HF3009",
            f"--audit-token-file {path}: the token is shorter than {_SHORTEST_TOKEN} characters",
            hint="make one with: openssl rand -hex 32 > FILE",
            retry=Retry.NEVER,
        )
    return token


class AuditIntake:
    """Takes batches of audit events and gives them to the attribution."""

    def __init__(
        self, token: str, journal: JournalWriter, clock: Clock, limits: AuditLimits | None = None
    ) -> None:
        """Keep the token; nothing is matched before `connect`."""
        self._token = token.encode()
        self._clock = clock
        self._limits = limits or AuditLimits()
        self._kinds: Kinds | None = None
        self._tokens, self._filled_s = self._limits.burst, clock.monotonic()
        self._reading = self._last_status = 0
        self._has_said_large = False
        self._has_recalled = False
        self.attribution = Attribution(self._resource, journal.attribute)
        self.attribution.listens_since(clock.now())

    def route(self) -> Route:
        """Return what `--listen` serves."""
        return Route(PATH, self._post, methods=["POST"])

    async def connect(self, reader: Reader, kinds: Kinds) -> None:
        """Learn the cluster's kinds, and who we are ourselves."""
        self._kinds = kinds
        try:
            self.attribution.use_identity((await reader.whoami()).user)
        except ClusterError as error:
            log.warning("who we are is not known code=%s %s", error.code, error)

    def recall(self, drifts: Iterable[DriftOpened]) -> None:
        """Take what was seen before the start of this process; once, since it is known from then.

        Args:
            drifts: Those whose authors are not known.
        """
        if self._has_recalled:
            return
        self._has_recalled = True
        for drift in drifts:
            self.attribution.take(drift)

    async def settle(self) -> None:
        """Decide, again and again, about what must be complete; runs until cancelled."""
        while True:
            await self._clock.sleep(_SETTLE_EVERY_S)
            self.attribution.settle(self._clock.now())

    def _resource(self, group: str, kind: str) -> str:
        found = self._kinds.find_preferred(GroupKind(group, kind)) if self._kinds else None
        return found.plural if found is not None else ""

    async def _post(self, request: Request) -> Response:
        answer = await self._answer(request)
        status = answer.status_code
        # Once, and once more when it changes: a webhook that is refused tries again and again.
        if status != self._last_status and (status != 200 or self._last_status):
            log.warning("the audit webhook is answered status=%d", status)
        self._last_status = status
        return answer

    async def _answer(self, request: Request) -> Response:
        if not self._is_known(request.headers.get("authorization", "")):
            return _refuse(401, "unauthenticated", "the bearer token is missing or not the one")
        if not self._may_come():
            return _refuse(429, "busy", "more batches come than are taken")
        self._reading += 1
        try:
            return await self._read(request)
        finally:
            self._reading -= 1

    def _is_known(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token)
        return same and scheme.lower() == "bearer"

    def _may_come(self) -> bool:
        """Whether neither too many come in a second nor too many at the same time."""
        limits, now_s = self._limits, self._clock.monotonic()
        gained = (now_s - self._filled_s) * limits.per_s
        self._tokens, self._filled_s = min(limits.burst, self._tokens + gained), now_s
        if self._tokens < 1 or self._reading >= limits.at_once:
            return False
        self._tokens -= 1
        return True

    async def _read(self, request: Request) -> Response:
        limits = self._limits
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > limits.body_bytes:
                return _refuse(413, "too_large", f"a body above {limits.body_bytes} bytes")
        count = chars = large = 0
        try:
            for piece in split_events(body.decode()):
                count += piece.is_end
                if count > limits.events:
                    return _refuse(413, "too_large", f"more than {limits.events} events")
                found = read_event(piece.event) if piece.event is not None else None
                if found is not None:
                    self.attribution.heard(found)
                large += piece.event is None and piece.is_end
                chars += piece.chars
                if count % limits.turn == 0 or chars >= MOST_CHARS:
                    chars = 0
                    await self._clock.sleep(0)
        except (AuditBodyError, UnicodeDecodeError) as error:
            return _refuse(400, "bad_request", f"the body cannot be read: {error}"[:200])
        self._say_large(large)
        log.debug("audit events=%d large=%d bytes=%d", count, large, len(body))
        return Response(status_code=200)

    def _say_large(self, count: int) -> None:
        if count and not self._has_said_large:
            self._has_said_large = True
            log.warning(
                "audit events above %d KiB beside their objects are not read: whose requests they "
                "were stays unknown",
                MOST_CHARS // 1024,
            )


_HINTS = {
    401: "the token in the kubeconfig of --audit-webhook-config-file must be the one of "
    "--audit-token-file",
    413: "lower --audit-webhook-batch-max-size, or log less with the audit policy",
    429: "raise --audit-webhook-batch-max-wait, or log less with the audit policy",
    400: f"POST {PATH} takes what kube-apiserver's audit webhook sends",
}


def _refuse(status: int, code: str, message: str) -> Response:
    tree = {"error": {"code": code, "message": message, "about": PATH, "hint": _HINTS[status]}}
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}}.get(status, {})
    return JSONResponse(tree, status, headers)
