"""Laws of field sets."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.schema.field_set import EMPTY, FieldSet

elements = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"x"', "i:0"])
sets = st.builds(
    FieldSet.from_encoded,
    st.lists(st.lists(elements, min_size=1, max_size=4).map(tuple), max_size=12),
)


def members(fields: FieldSet) -> set[tuple[str, ...]]:
    return set(fields.encoded_paths())


@given(sets, sets)
def test_the_algebra_is_that_of_sets_of_paths(one: FieldSet, two: FieldSet) -> None:
    assert members(one | two) == members(one) | members(two)
    assert members(one & two) == members(one) & members(two)
    assert members(one - two) == members(one) - members(two)


@given(sets, sets)
def test_recursive_difference_drops_a_path_with_all_below_it(one: FieldSet, two: FieldSet) -> None:
    gone = members(two)
    kept = {
        path
        for path in members(one)
        if not any(path[: depth + 1] in gone for depth in range(len(path)))
    }
    assert members(one.recursive_difference(two)) == kept


@given(sets)
def test_leaves_have_nothing_below_them(fields: FieldSet) -> None:
    every = members(fields)
    assert members(fields.leaves()) == {
        path for path in every if not any(p[: len(path)] == path and p != path for p in every)
    }


@given(sets, sets)
def test_equal_members_mean_equal_sets_and_equal_hashes(one: FieldSet, two: FieldSet) -> None:
    assert (one == two) == (members(one) == members(two))
    assert (one | two) == (two | one)
    assert hash(one | two) == hash(two | one)
    assert one - one == EMPTY
    assert FieldSet.parse(one.to_json()) == one
    assert len(one) == len(members(one))
