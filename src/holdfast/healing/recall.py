"""What the journal knows of earlier heals, as the memory that `decide` and the fights go by.

A restart must neither reset a backoff nor forget a fight (apply.md C4). The journal has times of
the wall clock; the memory runs on the monotonic one: `to_s` converts. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from holdfast.domain.identity import ResourceKey
from holdfast.domain.journal import Episode, HealMade
from holdfast.healing.fights import Undo, note_heal, note_undos
from holdfast.healing.memory import HealMemory, HealPolicy
from holdfast.schema.field_path import Path, parse_human_form

_HEALED, _REFUSED = "healed", "refused"
_MOST = 64


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one object from before the start.

    Attributes:
        differing: Paths that differed when the last process ended: to see them again is no undo.
    """

    memory: HealMemory = field(default_factory=HealMemory)
    undos: tuple[Undo, ...] = ()
    differing: frozenset[Path] = frozenset()


def recall(
    episodes: Iterable[Episode], policy: HealPolicy, to_s: Callable[[datetime], float]
) -> dict[ResourceKey, Past]:
    """Return the past of each object.

    Args:
        episodes: Of this Holdfast, in any order.
        policy: Sets the pace of fights.
        to_s: From the wall clock to seconds on the monotonic clock, never in the future.
    """
    pasts: dict[ResourceKey, Past] = {}
    for episode in sorted(episodes, key=lambda found: found.detected_at):
        past = pasts.get(episode.key, Past())
        pasts[episode.key] = _after(past, episode, policy, to_s)
    return pasts


def _after(
    past: Past, episode: Episode, policy: HealPolicy, to_s: Callable[[datetime], float]
) -> Past:
    memory, seen_s = past.memory, to_s(episode.detected_at)
    if memory.last_end is not None and memory.undone_at is None:
        memory = replace(memory, undone_at=seen_s)
    undos, paths = _undos(past, episode, seen_s)
    is_healed = False
    for heal in episode.heals:
        if heal.outcome not in (_HEALED, _REFUSED):
            continue  # the server never judged it
        end_s = to_s(heal.at)
        memory = _remembered(memory, heal, policy, end_s)
        if heal.outcome == _HEALED:
            is_healed = True
            undos = note_heal(undos, paths, policy, end_s)
    if not is_healed and episode.closing in ("reverted", "adopted"):
        memory = replace(memory, undone_at=None)
    is_open = episode.closing in ("", "interrupted")
    return Past(memory, undos, frozenset(paths) if is_open else frozenset())


def _undos(past: Past, episode: Episode, seen_s: float) -> tuple[tuple[Undo, ...], set[Path]]:
    changes: list[tuple[Path, str]] = []
    paths: set[Path] = set()
    for change in episode.changes:
        path = parse_human_form(change.path)
        if path is None:
            continue
        paths.add(path)
        if change.managers and path not in past.differing:
            changes.append((path, change.managers[0]))
    return (note_undos(past.undos, changes, seen_s) if changes else past.undos), paths


def _remembered(memory: HealMemory, heal: HealMade, policy: HealPolicy, end_s: float) -> HealMemory:
    recent = tuple(end for end in memory.recent if end_s - end < policy.window_s)
    is_refused = heal.outcome == _REFUSED
    return HealMemory(
        recent=(*recent, end_s)[-_MOST:],
        step=heal.step,
        last_end=end_s,
        refusal=heal.message if is_refused else "",
        refused_hash=heal.manifest if is_refused else "",
    )
