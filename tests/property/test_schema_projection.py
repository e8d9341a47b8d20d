"""Laws of projections."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.manifest import JSON
from holdfast.schema.field_set import FieldSet
from holdfast.schema.projection import MISSING, differences, project

names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y"]), st.none(), st.booleans())
trees: st.SearchStrategy[JSON] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=3),
        st.lists(st.fixed_dictionaries({"name": names}, optional={"v": inner}), max_size=3),
    ),
    max_leaves=12,
)
objects = st.dictionaries(names, trees, max_size=3)
elements = st.sampled_from(
    ["f:a", "f:b", "f:c", "f:v", 'k:{"name":"a"}', 'k:{"name":"b"}', 'v:"x"']
)
sets = st.builds(
    FieldSet.from_encoded,
    st.lists(st.lists(elements, min_size=1, max_size=4).map(tuple), max_size=8),
)


@given(objects, sets)
def test_an_object_does_not_differ_from_itself(tree: JSON, fields: FieldSet) -> None:
    assert project(tree, fields) == project(tree, fields)
    assert differences(project(tree, fields), project(tree, fields)) == ()


@given(objects, objects, sets)
def test_projections_are_equal_exactly_when_no_difference_is_told(
    one: JSON, two: JSON, fields: FieldSet
) -> None:
    before, after = project(one, fields), project(two, fields)
    same = before.values == after.values and not differences(before, after)
    assert (before == after) == (same and before.orders == after.orders)
    if before == after:
        assert differences(before, after) == ()


@given(sets)
def test_an_empty_object_is_missing_everywhere(fields: FieldSet) -> None:
    assert all(value is MISSING for value in project({}, fields).values)
    assert len(project({}, fields).values) == len(fields.leaves())
