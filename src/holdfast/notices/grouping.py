"""Few messages out of many notices: grouped by Application, the same drift told once. Pure.

    notice ──▶ told before, within `repeat`? ──yes──▶ counted; told when `repeat` is over
                      │ no
                      ▼
               group of its Application, open for `group` seconds ──▶ one message

Notices of one episode (drifted, then healed) become one entry. Times are monotonic seconds.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.domain.identity import AppKey
from holdfast.notices.notice import Notice, Remark, Trigger

MOST_ENTRIES = 25
MOST_REMEMBERED = 5_000

_STATES = {
    Trigger.DRIFT: "drifted",
    Trigger.HEAL: "healed",
    Trigger.HEAL_FAILED: "heal failed",
    Trigger.FIGHT: "fight",
    Trigger.PAUSE_EXPIRING: "pause ends soon",
}


@dataclass(slots=True)
class Entry:
    """One drift (or fight, or pause) of a message.

    Attributes:
        notice: The last notice: it knows most.
        triggers: Everything that is told, in the order in which it happened.
        count: How often it happened since it was told last.
        state: How it stands, in a word or two.
        why: Why nothing was done, or why it failed; `""` for no reason to name.
    """

    notice: Notice
    triggers: list[Trigger]
    first_at: datetime
    count: int = 1
    state: str = ""
    why: str = ""


@dataclass(slots=True)
class Group:
    """What one message tells of one Application.

    Attributes:
        more: Drifts that found no place among the entries.
    """

    app: AppKey
    due_s: float
    entries: list[Entry] = field(default_factory=list)
    more: int = 0

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Everything that is told, each once."""
        return tuple(dict.fromkeys(t for entry in self.entries for t in entry.triggers))


@dataclass(slots=True)
class _Told:
    """What was told, and how often it happened again since."""

    until_s: float
    again: int = 0
    last: Notice | None = None


class Grouping:
    """The groups of one target."""

    def __init__(self, group_s: float, repeat_s: float) -> None:
        """Remember nothing.

        Args:
            group_s: How long a group gathers.
            repeat_s: How long the same drift is not told again.
        """
        self._group_s = group_s
        self._repeat_s = repeat_s
        self._groups: dict[AppKey, Group] = {}
        # In the order of their ends, since all of them last equally long.
        self._told: OrderedDict[tuple[AppKey, str, str, str], _Told] = OrderedDict()

    def add(self, notice: Notice, now_s: float) -> None:
        """Take a notice in."""
        identity = (notice.app, *notice.identity)
        told = self._told.get(identity)
        if told is not None and now_s < told.until_s:
            told.again += 1
            told.last = notice
            return
        again = told.again if told is not None else 0
        self._remember(identity, now_s)
        self._enter(notice, now_s, again + 1)

    def remark(self, remark: Remark) -> None:
        """Add what became known of an episode that is not told yet."""
        group = self._groups.get(remark.app)
        for entry in group.entries if group is not None else ():
            if entry.notice.episode != remark.episode:
                continue
            # After a heal that failed the verdict is to hold: the failure says more.
            if remark.is_over or Trigger.HEAL_FAILED not in entry.triggers:
                entry.state = remark.state or entry.state
                entry.why = remark.why or entry.why

    def due(self, now_s: float) -> list[Group]:
        """Return the groups whose time has come; they are told from now on."""
        self._tell_repeated(now_s)
        ready = [group for group in self._groups.values() if group.due_s <= now_s]
        for group in ready:
            del self._groups[group.app]
        return ready

    def next_due_s(self) -> float | None:
        """Return when there is something to do at the earliest; None for never."""
        ends = [group.due_s for group in self._groups.values()]
        if self._told:
            ends.append(next(iter(self._told.values())).until_s)
        return min(ends, default=None)

    def _tell_repeated(self, now_s: float) -> None:
        """What happened again while it was not told is told now, as a count."""
        while self._told:
            identity, told = next(iter(self._told.items()))
            if now_s < told.until_s:
                return
            del self._told[identity]
            if told.again and told.last is not None:
                self._remember(identity, now_s)
                self._enter(told.last, now_s, told.again)

    def _remember(self, identity: tuple[AppKey, str, str, str], now_s: float) -> None:
        self._told.pop(identity, None)
        self._told[identity] = _Told(now_s + self._repeat_s)
        if len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)

    def _enter(self, notice: Notice, now_s: float, count: int) -> None:
        group = self._groups.get(notice.app)
        if group is None:
            group = self._groups[notice.app] = Group(notice.app, now_s + self._group_s)
        entry = _find(group, notice)
        if entry is None:
            if len(group.entries) >= MOST_ENTRIES:
                group.more += count
                return
            state = _STATES[notice.trigger]
            group.entries.append(
                Entry(notice, [notice.trigger], notice.at, count, state, notice.why)
            )
            return
        entry.notice = notice
        entry.state = _STATES[notice.trigger]
        entry.why = notice.why
        if notice.trigger not in entry.triggers:
            entry.triggers.append(notice.trigger)


def _find(group: Group, notice: Notice) -> Entry | None:
    """Return the entry of the same episode, or of the same drift of the same object."""
    for entry in group.entries:
        known = entry.notice
        if notice.episode and known.episode == notice.episode:
            return entry
        if notice.key is not None and (known.key, known.diff) == (notice.key, notice.diff):
            return entry
    return None
