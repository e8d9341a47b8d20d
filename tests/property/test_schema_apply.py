"""Laws of server-side apply."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.manifest import JSON
from holdfast.schema.apply_merge import Writer, record_update, server_side_apply
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, owned_entry, project
from holdfast.schema.types import type_from_crd_schema

NOW = "2026-11-23T16:00:00Z"
TEXT: JSON = {"type": "string"}
THING = type_from_crd_schema(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "a": TEXT,
                    "b": {"type": "integer"},
                    "map": {"type": "object", "additionalProperties": TEXT},
                    "set": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
                    "atomic": {"type": "array", "items": TEXT},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "list": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {"type": "object", "properties": {"name": TEXT, "v": TEXT}},
                    },
                },
            }
        },
    }
)
names = st.sampled_from(["x", "y", "z"])
values = st.sampled_from(["1", "2"])
items = st.fixed_dictionaries({"name": names}, optional={"v": values})
specs = st.fixed_dictionaries(
    {},
    optional={
        "a": values,
        "b": st.integers(0, 2),
        "map": st.dictionaries(names, values, min_size=1),
        "set": st.lists(names, min_size=1, unique=True),
        "atomic": st.lists(names, min_size=1, max_size=2),
        "free": st.dictionaries(
            names, st.one_of(values, st.dictionaries(names, values)), min_size=1
        ),
        "list": st.lists(items, min_size=1, unique_by=lambda item: item["name"]),
    },
)
managers = st.sampled_from(["a", "b", "c"])
writes = st.lists(st.tuples(st.booleans(), managers, specs), max_size=5)


def thing(spec: JSON) -> JSON:
    metadata = {"name": "t", "uid": "u"}
    return {"apiVersion": "h/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


def apply(live: JSON, spec: JSON, manager: str = "us") -> JSON:
    writer = Writer(manager, "h/v1", NOW)
    return server_side_apply(live, thing(spec), type=THING, writer=writer, force=True).tree


def history(steps: list[tuple[bool, str, JSON]]) -> JSON:
    """Return an object after some writes by others, by apply and by update."""
    live: JSON = None
    for applies, manager, spec in steps:
        if applies:
            live = apply(live, spec, manager)
        else:
            writer = Writer(manager, "h/v1", NOW)
            live = record_update(live, thing(spec), type=THING, writer=writer)
    return live


def fields_of(tree: JSON, manager: str = "us") -> FieldSet:
    entry = owned_entry(tree, manager)
    return FieldSet.parse(entry["fieldsV1"] if entry else {})


def values_of(tree: JSON) -> JSON:
    return project(tree, fields_of(tree))


def is_same(found: JSON, wanted: JSON) -> bool:
    """An empty map says that there is a map, not that nothing may be in it."""
    return wanted == {} or bool(found == wanted)


@given(writes, specs)
def test_an_apply_leaves_the_applied_values_in_place(
    steps: list[tuple[bool, str, JSON]], spec: JSON
) -> None:
    made = apply(history(steps), spec)
    fields = fields_of(made)
    after, wanted = project(made, fields).values, project(thing(spec), fields).values
    assert MISSING not in after
    assert all(is_same(*pair) for pair in zip(after, wanted, strict=True))


@given(writes, specs)
def test_a_second_identical_apply_is_a_no_op(
    steps: list[tuple[bool, str, JSON]], spec: JSON
) -> None:
    first = apply(history(steps), spec)
    assert apply(first, spec) == first


@given(writes, specs, specs)
def test_what_nobody_applied_survives_every_apply(
    steps: list[tuple[bool, str, JSON]], one: JSON, two: JSON
) -> None:
    live = history(steps)
    if live is None:
        return
    foreign = FieldSet({})
    for entry in live["metadata"].get("managedFields", ()):
        foreign = foreign | FieldSet.parse(entry["fieldsV1"])
    made = apply(apply(live, one), two)
    touched = fields_of(apply(None, one)) | fields_of(apply(None, two))
    kept = foreign.leaves().recursive_difference(touched)
    before, after = project(live, kept), project(made, kept)
    for old, new in zip(before.values, after.values, strict=True):
        if isinstance(old, str | int):
            assert old == new


@given(specs)
def test_giving_everything_up_leaves_nothing(spec: JSON) -> None:
    assert not apply(apply(None, spec), {}).get("spec")


@given(writes, specs)
def test_inputs_are_never_changed(steps: list[tuple[bool, str, JSON]], spec: JSON) -> None:
    live = history(steps)
    before = copy.deepcopy((live, spec))
    apply(live, spec)
    assert (live, spec) == before
