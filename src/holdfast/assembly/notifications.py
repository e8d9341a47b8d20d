"""Notifications at work: the ConfigMap is followed, the teller tells, the courier delivers.

The controller watches the ConfigMaps of the control namespace already; `shared` lets a second one
look at what that watch sees.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.cluster.connection import Connection
from holdfast.cluster.secret_values import read_secret_values
from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError, HoldfastError
from holdfast.domain.events import AppEvent, EventRecorder
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.kinds import CONFIG_MAP, EVENT
from holdfast.domain.manifest import Manifest
from holdfast.domain.notifications import (
    TEST_ANNOTATION,
    TEST_RESULT_ANNOTATION,
    format_test_result,
    parse_test,
)
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import Clock, EventKind, Metrics, Watching, WatchScope, WatchSink
from holdfast.kit.tasks import Supervisor
from holdfast.notices.courier import Courier
from holdfast.notices.messages import Origin
from holdfast.notices.notice import AppFacts
from holdfast.notices.settings import CONFIG_MAP_NAME, NoticeSettings
from holdfast.notices.teller import Teller, TellerPorts

log = logging.getLogger(__name__)

_LONGEST_NOTE = 500
_TASK = "notifications settings"
_GATHER, _DELIVER = "notifications gather", "notifications deliver"
_FLUSH_S = 2.0


@dataclass(frozen=True, slots=True)
class NotificationParts:
    """What notifications are made of.

    Attributes:
        find_app: Gives an Application as the controller knows it.
        may_write: Whether Events may be written now: this process leads, and not only observes.
    """

    connection: Connection
    supervisor: Supervisor
    clock: Clock
    metrics: Metrics
    origin: Origin
    find_app: Callable[[AppKey], Application | None]
    may_write: Callable[[], bool]


class Notifications:
    """Follows the ConfigMap (a `WatchSink`) and keeps the teller at work."""

    def __init__(self, parts: NotificationParts) -> None:
        """Tell nobody before the ConfigMap was seen."""
        self._parts = parts
        self._courier = Courier()
        self._key = ResourceKey("", CONFIG_MAP.kind, parts.origin.namespace, CONFIG_MAP_NAME)
        self._wanted: Manifest | None = None
        self._is_stale = False
        self._settings = NoticeSettings()
        self._problem = ""
        self._tested = ""  # number of the last test that was asked for
        self.teller = Teller(
            TellerPorts(
                clock=parts.clock,
                metrics=parts.metrics,
                find=self._facts,
                deliver=self._courier.deliver,
                read_secrets=self._secrets,
                origin=parts.origin,
            )
        )

    def start(self) -> None:
        """Begin to tell."""
        self._parts.supervisor.spawn(_GATHER, self.teller.gather)
        self._parts.supervisor.spawn(_DELIVER, self.teller.deliver)

    async def stop(self) -> None:
        """Tell what waits, for two seconds at most; then end the worker processes."""
        await self.teller.flush(_FLUSH_S)
        for task in (_GATHER, _DELIVER):
            self._parts.supervisor.cancel(task)
        await self._courier.stop()

    def watching(self, *others: WatchSink) -> Watching:
        """Return the port `Watching` through which the controller's watch is shared.

        Args:
            others: Who else is told of the ConfigMaps. A scope has one watch and one sink, so
                whoever began a watch of its own would take them from the controller.
        """
        scope = WatchScope(CONFIG_MAP, self._parts.origin.namespace)
        return _Shared(self._parts.connection.watching, scope, (self, *others))

    def note(self) -> str:
        """Say how notifications do, for `holdfast status`."""
        if self._problem:
            return f"wrong, the last good settings are in force: {self._problem}"[:_LONGEST_NOTE]
        count = len(self._settings.targets)
        if not count:
            return "off"
        text = "1 target" if count == 1 else f"{count} targets"
        failures = [f"{name}: {why}" for name, why in sorted(self.teller.failures.items())]
        return f"{text}; not told: {'; '.join(failures)}"[:_LONGEST_NOTE] if failures else text

    # --- the ConfigMap ------------------------------------------------------------------------

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Read the ConfigMap again when it came, changed or went."""
        if manifest.name == CONFIG_MAP_NAME:
            self._take(None if event is EventKind.DELETED else manifest)
            self._take_test(event, manifest)

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Forget it when it went while nobody looked."""
        if self._wanted is not None and self._key not in keys:
            self._take(None)

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Go on with what is known; the controller says what it cannot watch."""

    def _take(self, manifest: Manifest | None) -> None:
        known = self._wanted
        if manifest is not None and known is not None and _data(manifest) == _data(known):
            return
        self._wanted, self._is_stale = manifest, True
        if not self._parts.supervisor.is_running(_TASK):
            self._parts.supervisor.once(_TASK, self._read_again())

    def _take_test(self, event: EventKind, manifest: Manifest) -> None:
        """Somebody asks for a test message; what was asked before we looked is answered no more."""
        number, target = parse_test(manifest.annotation(TEST_ANNOTATION))
        known, self._tested = self._tested, number
        if event is EventKind.LISTED or number in ("", known) or not self._parts.may_write():
            return
        self._parts.supervisor.once(f"notifications test {number}", self._test(number, target))

    async def _test(self, number: str, target: str) -> None:
        sent = await self.teller.test(target)
        log.info("notifications test target=%s %s", target, sent.detail)
        text = format_test_result(number, sent.detail, is_sent=sent.ok)
        try:
            await self._parts.connection.system.merge_patch(
                CONFIG_MAP,
                self._key.namespace,
                CONFIG_MAP_NAME,
                {"metadata": {"annotations": {TEST_RESULT_ANNOTATION: text}}},
                SystemWrite.NOTIFICATION_TEST,
            )
        except HoldfastError as failure:
            log.warning("a test was not answered: %s", failure.describe())

    async def _read_again(self) -> None:
        while self._is_stale:
            self._is_stale = False
            wanted = self._wanted
            try:
                data = _data(wanted) if wanted is not None else {}
                settings = await self._courier.read(data) if data else NoticeSettings()
            except HoldfastError as error:
                await self._refuse(wanted, error)
            else:
                self._problem = ""
                self._settings = settings
                self.teller.replace(settings)
                log.info("notifications targets=%d", len(settings.targets))
            if not self._settings.targets:
                await self._courier.stop()

    async def _refuse(self, wanted: Manifest | None, error: HoldfastError) -> None:
        self._problem = f"{error.code} {error.message}"
        log.warning("%s; the last good configuration is in force", error.describe())
        wrong = isinstance(error, ConfigurationError)
        if wanted is None or not wrong or not self._parts.may_write():
            return
        try:
            event = _event(wanted, self._problem, self._parts.clock.now())
            await self._parts.connection.system.create(event, SystemWrite.EVENT)
        except HoldfastError as failure:
            log.warning("an Event was not written: %s", failure.describe())

    # --- what the teller asks -----------------------------------------------------------------

    def _facts(self, key: AppKey) -> AppFacts | None:
        app = self._parts.find_app(key)
        return AppFacts(app.project, app.manifest.annotations) if app is not None else None

    async def _secrets(self, names: frozenset[str]) -> Mapping[str, Mapping[str, str]]:
        # Read for each batch: a changed Secret is in force at once, and there are few batches.
        calls, namespace = self._parts.connection.calls, self._parts.origin.namespace
        return {name: await read_secret_values(calls, namespace, name) for name in sorted(names)}


class BothRecorders:
    """An `EventRecorder` that two listen to."""

    def __init__(self, first: EventRecorder, second: EventRecorder) -> None:
        """Keep both."""
        self._both = (first, second)

    def record(self, event: AppEvent) -> None:
        """Let both note it."""
        for recorder in self._both:
            recorder.record(event)


class _Shared:
    """The port `Watching`; what it sees of one scope is told to more sinks."""

    def __init__(self, watching: Watching, scope: WatchScope, more: Sequence[WatchSink]) -> None:
        self._watching = watching
        self._scope = scope
        self._more = more

    def start(self, scope: WatchScope, sink: WatchSink) -> None:
        shared = _Sinks(sink, *self._more) if scope == self._scope else sink
        self._watching.start(scope, shared)

    def stop(self, scope: WatchScope) -> None:
        self._watching.stop(scope)

    def is_synced(self, scope: WatchScope) -> bool:
        return self._watching.is_synced(scope)

    async def wait_synced(self, scopes: Sequence[WatchScope], timeout_s: float) -> bool:
        return await self._watching.wait_synced(scopes, timeout_s)

    def lag_s(self) -> float:
        return self._watching.lag_s()


class _Sinks:
    """A `WatchSink` that hands on to several."""

    def __init__(self, *sinks: WatchSink) -> None:
        self._sinks = sinks

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        for sink in self._sinks:
            sink.observe(scope, event, manifest)

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        for sink in self._sinks:
            sink.listed(scope, keys, version)

    def failed(self, scope: WatchScope, error: Exception) -> None:
        for sink in self._sinks:
            sink.failed(scope, error)


def _data(config_map: Manifest) -> Mapping[str, str]:
    data = config_map.at("data")
    return data if isinstance(data, dict) else {}


def _event(config_map: Manifest, problem: str, at: datetime) -> Manifest:
    time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Manifest(
        {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {
                "name": f"{CONFIG_MAP_NAME}.{int(at.timestamp() * 1_000_000):x}",
                "namespace": config_map.namespace,
            },
            "involvedObject": {
                "apiVersion": CONFIG_MAP.api_version,
                "kind": CONFIG_MAP.kind,
                "name": config_map.name,
                "namespace": config_map.namespace,
                "uid": config_map.uid,
            },
            "source": {"component": "holdfast"},
            "reason": "InvalidConfiguration",
            "message": f"{problem}. The last good configuration is in force"[:1024],
            "type": "Warning",
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }
    )
