"""The store: versions that grow, an order, a history with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.store import objects
from holdfast.sandbox.store.objects import Change, Store

if TYPE_CHECKING:
    import pytest

MAPS = ResourceId("", "configmaps")


def _tree(name: str, namespace: str = "default") -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": name}}


def test_every_write_takes_the_next_version() -> None:
    store = Store()
    first = store.put(MAPS, ("default", "a"), _tree("a"))
    second = store.put(MAPS, ("default", "b"), _tree("b"))
    gone = store.remove(MAPS, ("default", "a"))
    assert [first.version, second.version, gone.version] == [
        objects.FIRST_VERSION + number for number in (1, 2, 3)
    ]
    assert gone.tree["metadata"]["resourceVersion"] == str(gone.version)
    assert first.tree["metadata"]["resourceVersion"] == str(first.version)


def test_a_list_is_in_the_order_of_namespace_and_name() -> None:
    store = Store()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
        store.put(MAPS, (namespace, name), _tree(name, namespace))
    assert [row.tree["metadata"]["name"] for row in store.all_of(MAPS)] == ["y", "z", "x"]
    assert [row.tree["metadata"]["name"] for row in store.all_of(MAPS, "a")] == ["y", "z"]
    assert store.all_of(MAPS, "c") == []


def test_listeners_hear_what_changed_and_what_was_before() -> None:
    store = Store()
    heard: list[Change] = []
    store.listen(heard.append, MAPS)
    store.put(MAPS, ("default", "a"), _tree("a"))
    store.put(MAPS, ("default", "a"), _tree("a"))
    store.put(ResourceId("", "secrets"), ("default", "a"), _tree("a"))
    store.remove(MAPS, ("default", "a"))
    assert [change.type for change in heard] == ["ADDED", "MODIFIED", "DELETED"]
    assert heard[0].before is None
    assert heard[1].before is heard[0].now
    assert heard[2].before is heard[1].now


def test_the_past_is_replayed_until_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "HISTORY_LENGTH", 2)
    store = Store()
    versions = [store.put(MAPS, ("default", "a"), _tree("a")).version for _ in range(4)]
    replayed = store.since(MAPS, versions[1])
    assert replayed is not None
    assert [change.now.version for change in replayed] == versions[2:]
    assert store.since(MAPS, versions[0]) is None
    assert store.oldest(MAPS) == versions[1]


def test_what_was_before_the_first_version_is_forgotten() -> None:
    assert Store().since(MAPS, 1) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.data())
def test_a_replay_from_any_version_ends_in_what_a_list_returns(
    steps: list[tuple[str, bool]], data: st.DataObject
) -> None:
    """The law that every informer relies on."""
    store = Store()
    states = {store.version: dict[str, int]()}
    for name, deletes in steps:
        key = ("default", name)
        if deletes and store.find(MAPS, *key) is not None:
            store.remove(MAPS, key)
        else:
            store.put(MAPS, key, _tree(name))
        states[store.version] = {
            row.tree["metadata"]["name"]: row.version for row in store.all_of(MAPS)
        }
    start = data.draw(st.sampled_from(sorted(states)))
    view = dict(states[start])
    for change in store.since(MAPS, start) or []:
        if change.type == "DELETED":
            del view[change.key[1]]
        else:
            view[change.key[1]] = change.now.version
    assert view == states[store.version]
