"""`Teller`: listens, gathers, delivers. The event loop's side of notifications.

    take ── append ──▶ queue ──▶ gather: who wants it, grouping ──▶ outbox ──▶ deliver: the worker

Rule: nothing here can slow or stop a heal. `take` appends to a bounded queue; the rest waits until
a storm is over and works in steps of a millisecond. What finds no place is dropped and counted.
"""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.domain.errors import HoldfastError
from holdfast.domain.events import AppEvent, Happening
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Tree
from holdfast.domain.ports import Clock, Metrics
from holdfast.kit.backoff import Backoff
from holdfast.notices.grouping import Grouping
from holdfast.notices.messages import Message, Origin, build_message, build_test
from holdfast.notices.notice import AppFacts, Notice, notice_of_event, notices_of, remark_of
from holdfast.notices.sending import Sent
from holdfast.notices.settings import NoticeSettings, Target

log = logging.getLogger(__name__)

METRIC = "holdfast_notifications_total"
_FLUSH_LOOKS_S = 0.02

Find = Callable[[AppKey], AppFacts | None]
Deliver = Callable[[Tree, float], Awaitable[Sent | None]]
ReadSecrets = Callable[[frozenset[str]], Awaitable[Mapping[str, Mapping[str, str]]]]


@dataclass(frozen=True, slots=True)
class TellerLimits:
    """How much and how long.

    Attributes:
        queue: Happenings that may wait; a storm of a thousand objects makes 4,000.
        gather_s: What has just happened waits so long: a storm of heals goes first.
        step: Happenings that are looked at without a break.
        outbox: Messages that may wait for one target; the oldest goes first.
        attempts: How often one message is tried.
        backoff: Pauses between attempts.
        longest_wait_s: The longest `Retry-After` that is honoured.
    """

    queue: int = 20_000
    gather_s: float = 0.25
    step: int = 20
    outbox: int = 100
    attempts: int = 6
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=1.0, factor=3.0, cap_s=60.0))
    longest_wait_s: float = 300.0


@dataclass(frozen=True, slots=True)
class TellerPorts:
    """Everything outside.

    Attributes:
        find: Says what is known of an Application; None when it is gone.
        deliver: Sends an item within so many seconds; None when it hangs. Called side by side.
        read_secrets: Gives the values of Secrets that may be used here, by name and key.
        origin: How messages call this cluster.
    """

    clock: Clock
    metrics: Metrics
    find: Find
    deliver: Deliver
    read_secrets: ReadSecrets
    origin: Origin


@dataclass(slots=True)
class _Outbox:
    """What one target is still to be sent."""

    target: Target
    grouping: Grouping
    messages: deque[Message] = field(default_factory=deque)
    attempts: int = 0
    not_before_s: float = 0.0
    is_sending: bool = False


class Teller:
    """A `Listener` of happenings, and an `EventRecorder` of which fights and pauses are heard.

    Attributes:
        failures: What became of targets whose last message was given up, by name.
    """

    def __init__(self, ports: TellerPorts, limits: TellerLimits | None = None) -> None:
        """Tell nobody before `replace`."""
        self._ports = ports
        self._limits = limits or TellerLimits()
        self._queue: deque[Happening | tuple[AppEvent, datetime]] = deque()
        self._boxes: dict[str, _Outbox] = {}
        self._origin = ports.origin
        self._news = asyncio.Event()
        self._ready = asyncio.Event()
        self._dropped = 0
        self.failures: dict[str, str] = {}

    # --- told on the event loop, must return at once ------------------------------------------

    def take(self, happening: Happening) -> None:
        """Take note; returns at once, and never fails."""
        self._append(happening)

    def record(self, event: AppEvent) -> None:
        """Take note of an Event; returns at once, and never fails."""
        self._append((event, self._ports.clock.now()))

    def replace(self, settings: NoticeSettings) -> None:
        """Tell these targets from now on; what a target that stays was told is still known."""
        boxes = {}
        for target in settings.targets:
            known = self._boxes.get(target.name)
            if known is None or (known.target.group_s, known.target.repeat_s) != (
                target.group_s,
                target.repeat_s,
            ):
                known = _Outbox(target, Grouping(target.group_s, target.repeat_s))
            known.target = target
            known.attempts, known.not_before_s = 0, 0.0
            boxes[target.name] = known
        for name, box in self._boxes.items():
            if boxes.get(name) is not box:
                self._count(box.target, "dropped", len(box.messages))
        self._boxes = boxes
        self.failures = {name: text for name, text in self.failures.items() if name in boxes}
        origin = self._ports.origin
        self._origin = Origin(settings.cluster or origin.cluster, origin.namespace)
        self._news.set()
        self._ready.set()

    # --- gathering ----------------------------------------------------------------------------

    async def gather(self) -> None:
        """Make messages of what happens, until cancelled."""
        while True:
            await self._wait(self._news, self._next_due_s())
            await self._ports.clock.sleep(self._limits.gather_s)
            self._news.clear()
            while self._queue:
                for _ in range(min(self._limits.step, len(self._queue))):
                    self._route(self._queue.popleft())
                await self._ports.clock.sleep(0.001)
            self._tell_dropped()
            await self._fill_outboxes()

    def _append(self, item: Happening | tuple[AppEvent, datetime]) -> None:
        if not self._boxes:
            return
        if len(self._queue) >= self._limits.queue:
            self._dropped += 1
            return
        self._queue.append(item)
        self._news.set()

    def _route(self, item: Happening | tuple[AppEvent, datetime]) -> None:
        now_s = self._ports.clock.monotonic()
        if isinstance(item, tuple):
            found = notice_of_event(*item)
            notices = [found] if found is not None else []
        else:
            notices = notices_of(item)
            remark = remark_of(item)
            for box in self._boxes.values() if remark is not None else ():
                if remark is not None:
                    box.grouping.remark(remark)
        for notice in notices:
            self._offer(notice, now_s)

    def _offer(self, notice: Notice, now_s: float) -> None:
        facts = self._ports.find(notice.app) or AppFacts()
        for box in self._boxes.values():
            if box.target.wants(notice.trigger, notice.app, facts):
                box.grouping.add(notice, now_s)

    async def _fill_outboxes(self, at_s: float | None = None) -> None:
        now_s = self._ports.clock.monotonic() if at_s is None else at_s
        for box in list(self._boxes.values()):
            for group in box.grouping.due(now_s):
                facts = self._ports.find(group.app) or AppFacts()
                message = build_message(uuid.uuid4().hex, group, facts.project, self._origin)
                if len(box.messages) >= self._limits.outbox:
                    box.messages.popleft()
                    box.attempts = 0
                    self._count(box.target, "dropped")
                box.messages.append(message)
                self._ready.set()
                await self._ports.clock.sleep(0)  # masking takes a millisecond; heals go between

    def _next_due_s(self) -> float | None:
        ends = [box.grouping.next_due_s() for box in self._boxes.values()]
        return min((end for end in ends if end is not None), default=None)

    def _tell_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("HF4005 %d happenings were not told: more happens than fits", dropped)
            self._ports.metrics.increment(METRIC, dropped, target="", outcome="dropped")

    # --- delivering ---------------------------------------------------------------------------

    async def deliver(self) -> None:
        """Send messages, until cancelled: targets side by side, messages of one in their order."""
        async with asyncio.TaskGroup() as group:
            while True:
                waiting = [b for b in self._boxes.values() if b.messages and not b.is_sending]
                await self._wait(self._ready, min((b.not_before_s for b in waiting), default=None))
                self._ready.clear()
                now_s = self._ports.clock.monotonic()
                for box in self._boxes.values():
                    if box.messages and not box.is_sending and box.not_before_s <= now_s:
                        box.is_sending = True
                        group.create_task(self._deliver(box))

    async def test(self, name: str) -> Sent:
        """Send a test message to a target, beside whatever waits for it."""
        box = self._boxes.get(name)
        if box is None:
            return Sent(False, "the settings in force have no such target")
        message = build_test(uuid.uuid4().hex, self._origin)
        return await self._try(box.target, message) or Sent(False, "no answer in time")

    async def flush(self, seconds: float) -> None:
        """At the end of the process: tell what waits, for so many seconds at most."""
        end_s = self._ports.clock.monotonic() + seconds
        while self._queue:
            self._route(self._queue.popleft())
        await self._fill_outboxes(at_s=float("inf"))
        tried = [box for box in self._boxes.values() if box.messages]
        for box in tried:
            box.not_before_s = 0.0
        self._ready.set()
        while self._ports.clock.monotonic() < end_s:
            now_s = self._ports.clock.monotonic()
            if not any(b.is_sending or (b.messages and b.not_before_s <= now_s) for b in tried):
                break  # told, or refused: there is no time for another attempt
            await self._ports.clock.sleep(_FLUSH_LOOKS_S)
        left = sum(len(box.messages) for box in tried)
        if left:
            log.warning("HF4005 %d messages were not told before the end", left)

    async def _deliver(self, box: _Outbox) -> None:
        message = box.messages[0]
        try:
            answer = await self._try(box.target, message)
            # A full outbox may have pushed the message out meanwhile.
            if box.messages and box.messages[0] is message:
                self._settle(box, answer or Sent(False, "no answer in time", may_retry=True))
        finally:
            box.is_sending = False
            self._ready.set()

    async def _try(self, target: Target, message: Message) -> Sent | None:
        names = target.secret_names()
        values: Mapping[str, Mapping[str, str]] = {}
        unread = ""
        try:
            values = await self._ports.read_secrets(names) if names else {}
        except HoldfastError as error:
            unread = error.message
        timestamp = int(self._ports.clock.now().timestamp())
        try:
            item = item_of(target, message, timestamp, values)
        except LookupError as error:
            return Sent(False, unread or str(error.args[0]), may_retry=True)
        return await self._ports.deliver(item, 2 * target.timeout_s + 2)

    def _settle(self, box: _Outbox, sent: Sent) -> None:
        target, limits = box.target, self._limits
        box.attempts += 1
        if not sent.ok and sent.may_retry and box.attempts < limits.attempts:
            wait_s = max(limits.backoff.delay_s(box.attempts), sent.retry_after_s or 0.0)
            box.not_before_s = self._ports.clock.monotonic() + min(wait_s, limits.longest_wait_s)
            return
        box.messages.popleft()
        box.attempts, box.not_before_s = 0, 0.0
        self._ready.set()
        self._count(target, "sent" if sent.ok else "failed")
        if sent.ok:
            self.failures.pop(target.name, None)
            return
        self.failures[target.name] = sent.detail
        log.warning("HF4005 target %s was not told: %s", target.name, sent.detail)

    def _count(self, target: Target, outcome: str, amount: int = 1) -> None:
        if amount:
            self._ports.metrics.increment(METRIC, amount, target=target.name, outcome=outcome)

    async def _wait(self, event: asyncio.Event, until_s: float | None) -> None:
        """Wait for the event, or until a moment; None is no such moment."""
        if until_s is None:
            await event.wait()
            return
        try:
            async with asyncio.timeout(max(0.0, until_s - self._ports.clock.monotonic())):
                await event.wait()
        except TimeoutError:
            return


def item_of(
    target: Target, message: Message, timestamp: int, values: Mapping[str, Mapping[str, str]]
) -> Tree:
    """Return what the worker is asked to send.

    Raises:
        LookupError: a reference has no value; the text says which.
    """

    def find(name: str, key: str) -> str:
        value = values.get(name, {}).get(key, "").strip()
        if not value:
            raise LookupError(
                f"there is no value for ${name}:{key}: the Secret {name} must exist, have this key "
                "and the label app.kubernetes.io/part-of: argocd"
            )
        return value

    return {
        "target": target.resolved(find).to_tree(),
        "message": {"id": message.id, "body": message.body, "title": message.title,
                    "text": message.text},
        "timestamp": timestamp,
    }  # fmt: skip
