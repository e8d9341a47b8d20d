"""Fights: another manager keeps undoing us in the same field (demand N6).

An undo is the same field, changed by the same manager, after our apply. Three of them within five
minutes are a fight: it is named, and from then on the field has a pace of its own (the curve of
`memory`: five heals in a minute at once, then 2, 6, 18 … 300 s) while the rest of the object is
healed at full speed. A deletion is no fight. Times are monotonic seconds.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.healing.memory import HealMemory, HealPolicy, next_attempt_at, remember, undone
from holdfast.schema.field_path import FieldName, ListKey, Path, find_pointer, human_form
from holdfast.schema.projection import MISSING

UNDOS = 3
WINDOW_S = 300.0


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


def ignore_entry(key: ResourceKey, path: Path, live: Manifest) -> Tree:
    """Return the entry of `spec.ignoreDifferences` that would end a fight.

    A field inside a list is named by a jq path with its keys: places in lists move.
    """
    entry: Tree = {"group": key.group, "kind": key.kind, "name": key.name}
    entry = {name: value for name, value in entry.items() if value}
    pointer = find_pointer(path, live.tree)
    if pointer is not None and not any(isinstance(element, ListKey) for element in path):
        return {**entry, "jsonPointers": [pointer]}
    return {**entry, "jqPathExpressions": [_jq_path(path)]}


def describe(key: ResourceKey, fight: Fight, live: Manifest, now_s: float) -> str:
    """Return who fights with us, over what, until when, and what would end it."""
    wait_s = max(0.0, fight.until_s - now_s)
    when = f"in {wait_s:.0f} s" if wait_s > 0 else "at once"
    return (
        f'{key}: field manager "{fight.manager}" keeps changing {human_form(fight.path)} '
        f"({fight.undos} times in {WINDOW_S / 60:.0f} minutes); it is put back again "
        f"{when}. Either stop that manager, or let it have the field with this entry in "
        f"spec.ignoreDifferences: {_compact(ignore_entry(key, fight.path, live))}"
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


def _jq_path(path: Path) -> str:
    parts: list[str] = []
    for element in path:
        if isinstance(element, FieldName):
            plain = element.name.replace("_", "").isalnum()
            parts.append(f".{element.name}" if plain else f'["{element.name}"]')
        elif isinstance(element, ListKey):
            name, value = next(iter(element.fields))
            shown = f'"{value}"' if isinstance(value, str) else value
            parts.append(f"[] | select(.{name} == {shown}) | ")
        else:
            parts.append("[]")
    text = "".join(parts).removesuffix(" | ")
    return text.replace("| [", "| .[").replace(" | .", " | .")


def _compact(tree: JSON) -> str:
    if isinstance(tree, dict):
        inner = ", ".join(f"{key}: {_compact(value)}" for key, value in tree.items())
        return "{" + inner + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(_compact(item) for item in tree) + "]"
    return "'" + tree + "'" if isinstance(tree, str) and not tree.isalnum() else str(tree)


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
