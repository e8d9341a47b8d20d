"""What was tried before, for one object (DESIGN §4.4, apply.md C4).

Only a heal that the server accepted, or refused for good, counts. All times are seconds on the
monotonic clock.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class HealMemory:
    """The heals of one object that count.

    Attributes:
        recent: When the heals of the last window ended, oldest first.
        step: How many heals in a row had to wait; 0 heals at once.
        last_end: When the last heal ended, or None.
        refusal: The server's words when the last heal was refused for good, else `""`.
        refused_hash: Hash of the manifest that was refused.
        undone_at: When the last heal was first seen undone, or None while it holds.
    """

    recent: tuple[float, ...] = ()
    step: int = 0
    last_end: float | None = None
    refusal: str = ""
    refused_hash: str = ""
    undone_at: float | None = None


@dataclass(frozen=True, slots=True)
class HealPolicy:
    """How patient the heal lane is; see `config.settings.HealSettings`. Seconds."""

    free_heals: int = 5
    window_s: float = 60.0
    base_s: float = 2.0
    factor: float = 3.0
    cap_s: float = 300.0


def wait_after(step: int, policy: HealPolicy) -> float:
    """Return the seconds before the heal that follows `step` waiting heals.

    `base * factor ** step`, never longer than `cap`: 2, 6, 18, 54, 162, 300 …

    Source:
        docs/internals/argocd/controller.md §7.3, for one object instead of the Application.
    """
    return min(policy.base_s * policy.factor ** min(step, 32), policy.cap_s)


def next_attempt_at(memory: HealMemory, policy: HealPolicy, now: float) -> float:
    """Return the earliest moment for the next heal; `now` or earlier means at once."""
    if memory.last_end is None:
        return now
    if _held(memory, policy, now):
        return now
    in_window = sum(1 for end in memory.recent if now - end < policy.window_s)
    if in_window < policy.free_heals and memory.step == 0 and not memory.refusal:
        return now
    return memory.last_end + wait_after(memory.step, policy)


def remember(
    memory: HealMemory, policy: HealPolicy, now: float, *, refusal: str = "", manifest: str = ""
) -> HealMemory:
    """Return the memory after a heal that counts ended at `now`."""
    in_window = tuple(end for end in memory.recent if now - end < policy.window_s)
    if memory.last_end is not None and _held(memory, policy, now):
        step, in_window = 0, ()
    else:
        full = len(in_window) >= policy.free_heals or memory.step > 0
        step = memory.step + 1 if full else 0
    if refusal:
        step = memory.step + 1 if memory.refusal else memory.step
    return HealMemory(
        recent=(*in_window, now)[-64:],
        step=step,
        last_end=now,
        refusal=refusal,
        refused_hash=manifest if refusal else "",
    )


def undone(memory: HealMemory, now: float) -> HealMemory:
    """Return the memory once drift is seen; only the first sight after a heal counts."""
    if memory.last_end is None or memory.undone_at is not None:
        return memory
    return replace(memory, undone_at=now)


def restored(memory: HealMemory) -> HealMemory:
    """Return the memory when the drift went away without us."""
    return memory if memory.undone_at is None else replace(memory, undone_at=None)


def _held(memory: HealMemory, policy: HealPolicy, now: float) -> bool:
    """Whether the last heal lasted: max(60 s, the step that was waited).

    The time during which its undoing waits for the next heal does not count.
    """
    if memory.last_end is None or memory.refusal:
        return False
    step = wait_after(memory.step - 1, policy) if memory.step else 0.0
    until = now if memory.undone_at is None else memory.undone_at
    return until - memory.last_end >= max(policy.window_s, step)
