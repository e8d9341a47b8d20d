"""Fights: another manager keeps undoing us in the same field (demand N6).

An undo is the same field, changed by the same manager, after our apply. Three of them within five
minutes are a fight: it is named, and from then on the field has a pace of its own (the curve of
`memory`: five heals in a minute at once, then 2, 6, 18 … 300 s) while the rest of the object is
healed at full speed. A deletion is no fight. Times are monotonic seconds.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.healing.ignore_entry import as_line, ignore_entry
from holdfast.healing.memory import HealMemory, HealPolicy, next_attempt_at, remember, undone
from holdfast.schema.field_path import FieldName, ListKey, Path, human_form
from holdfast.schema.projection import MISSING

UNDOS = 3
WINDOW_S = 300.0
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Undo:
    """What one manager did to one field, again and again.

    Attributes:
        times: When, oldest first; only the last `WINDOW_S` seconds, or since the fight began.
        is_named: Whether it has become a fight.
        memory: The heals of this field; it sets the pace.
    """

    path: Path
    manager: str
    times: tuple[float, ...] = ()
    is_named: bool = False
    memory: HealMemory = field(default_factory=HealMemory)


@dataclass(frozen=True, slots=True)
class Fight:
    """A fight that goes on: the field is left alone until `until_s`."""

    path: Path
    manager: str
    undos: int
    until_s: float


def note_undos(
    known: tuple[Undo, ...], changes: Iterable[tuple[Path, str]], now_s: float
) -> tuple[Undo, ...]:
    """Return the memory after fields were changed by managers; old ones are forgotten."""
    by_key = {(undo.path, undo.manager): undo for undo in _fresh(known, now_s)}
    for path, manager in changes:
        undo = by_key.get((path, manager), Undo(path, manager))
        times = (*undo.times, now_s)[-64:]
        named = undo.is_named or len(times) >= UNDOS
        memory = undone(undo.memory, now_s)
        by_key[(path, manager)] = Undo(path, manager, times, named, memory)
    return tuple(by_key.values())


def fights(known: tuple[Undo, ...], policy: HealPolicy, now_s: float) -> tuple[Fight, ...]:
    """Return the fights that go on."""
    return tuple(
        Fight(
            undo.path,
            undo.manager,
            len(undo.times),
            next_attempt_at(undo.memory, policy, now_s),
        )
        for undo in _fresh(known, now_s)
        if undo.is_named
    )


def note_heal(
    known: tuple[Undo, ...], paths: Collection[Path], policy: HealPolicy, now_s: float
) -> tuple[Undo, ...]:
    """Return the memory after a heal put these fields back."""
    return tuple(
        replace(undo, memory=remember(undo.memory, policy, now_s)) if undo.path in paths else undo
        for undo in known
    )


def describe(key: ResourceKey, going_on: Sequence[Fight], live: Manifest, now_s: float) -> str:
    """Return who fights with us, over what, until when, and what would end it.

    Args:
        key: The object.
        going_on: Fights over it, all with one manager.
        live: The object as it stands.
        now_s: The moment.
    """
    wait_s = max(0.0, max(fight.until_s for fight in going_on) - now_s)
    when = f"in {wait_s:.0f} s" if wait_s > 0 else "at once"
    paths = [fight.path for fight in going_on]
    undos = " and ".join(str(count) for count in sorted({fight.undos for fight in going_on}))
    is_one = len(paths) == 1
    entry = as_line(ignore_entry(key, paths, live))
    return (
        f'{key}: field manager "{going_on[0].manager}" keeps changing {_names(paths)} '
        f"({undos} times in {WINDOW_S / 60:.0f} minutes); {'it is' if is_one else 'they are'} put "
        f"back again {when}. Either stop that manager, or let it have "
        f"{'the field' if is_one else 'the fields'} with this entry in spec.ignoreDifferences: "
        f"{entry}"
    )


def with_values(tree: Tree, values: Iterable[tuple[Path, JSON]]) -> Tree:
    """Return `tree` with these values at these paths; `MISSING` removes.

    This is how a heal of the rest carries the live value of a field that backs off.
    """
    for path, value in values:
        tree = _with_value(tree, path, value)
    return tree


def _fresh(known: tuple[Undo, ...], now_s: float) -> list[Undo]:
    kept = []
    for undo in known:
        quiet_s = now_s - undo.times[-1] if undo.times else WINDOW_S
        if undo.is_named:
            if quiet_s < WINDOW_S + 300.0:
                kept.append(undo)
            continue
        times = tuple(at for at in undo.times if now_s - at < WINDOW_S)
        if times:
            kept.append(replace(undo, times=times))
    return kept


def _names(paths: Sequence[Path]) -> str:
    """Return the fields for people; the entry names those that are left out here."""
    text = ", ".join(human_form(path) for path in paths[:_NAMED])
    return text if len(paths) <= _NAMED else f"{text} and {len(paths) - _NAMED} more fields"


def _with_value(here: JSON, path: Path, value: JSON) -> JSON:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(head, FieldName):
        return _with_field(here if isinstance(here, dict) else {}, head.name, rest, value)
    if not isinstance(here, list) or not isinstance(head, ListKey):
        return here
    changed = []
    for item in here:
        is_meant = isinstance(item, dict) and all(
            item.get(name, "TCP" if name == "protocol" else None) == wanted
            for name, wanted in head.fields
        )
        if not is_meant:
            changed.append(item)
        elif rest or value is not MISSING:
            changed.append(_with_value(item, rest, value))
    return changed


def _with_field(here: Tree, name: str, rest: Path, value: JSON) -> Tree:
    if not rest and value is MISSING:
        return {key: inner for key, inner in here.items() if key != name}
    if rest and name not in here and value is MISSING:
        return here
    return {**here, name: _with_value(here.get(name), rest, value)}
