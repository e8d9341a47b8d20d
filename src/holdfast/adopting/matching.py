"""Which item of one list is which of another."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from holdfast.domain.manifest import JSON
from holdfast.schema.field_path import encode_value

_LIST_KEYS = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("mountPath",),
    ("devicePath",),
    ("ip",),
    ("topologyKey", "whenUnsatisfiable"),
    ("uid",),
    ("key",),
    ("type",),
    ("path",),
)


def match_items(before: Sequence[JSON], after: Sequence[JSON]) -> list[tuple[int | None, int]]:
    """Return pairs (place before, place after), the order of both kept; None before: it is new.

    What stands before and in no pair is gone.
    """
    names = find_key_names(before, after)
    one = [_identity(item, names) for item in before]
    other = [_identity(item, names) for item in after]
    matched: dict[int, int] = {}
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and not names and i2 - i1 == j2 - j1):
            matched |= dict(zip(range(j1, j2), range(i1, i2), strict=True))
    return [(matched.get(place), place) for place in range(len(after))]


def find_key_names(*lists: Sequence[JSON]) -> tuple[str, ...]:
    """Return the fields that identify the items of all these lists, or nothing."""
    for names in _LIST_KEYS:
        if all(_identifies(names, items) for items in lists):
            return names
    return ()


def _identifies(names: tuple[str, ...], items: Sequence[JSON]) -> bool:
    if not all(isinstance(item, dict) and names[0] in item for item in items):
        return False
    identities = sorted(_identity(item, names) for item in items)
    return all(one != other for one, other in pairwise(identities))


def _identity(item: JSON, names: tuple[str, ...]) -> str:
    if not names:
        return encode_value(item)
    defaults = {"protocol": "TCP"}
    return encode_value([item.get(name, defaults.get(name)) for name in names])
