"""A path that was written for people is read as the path that it was."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.schema.field_path import (
    FieldName,
    ListIndex,
    ListKey,
    Path,
    SetValue,
    human_form,
    parse_human_form,
)

names = st.one_of(st.sampled_from(["spec", "app.kubernetes.io/name", 'a"]b', "", "0"]), st.text())
values = st.one_of(st.text(), st.integers(), st.booleans())
keys = st.dictionaries(st.sampled_from(["name", "port", "protocol"]), values, min_size=1)
elements = st.one_of(
    st.builds(FieldName, names),
    keys.map(lambda fields: ListKey(tuple(sorted(fields.items())))),
    st.builds(SetValue, values),
    st.builds(ListIndex, st.integers(0, 99)),
)


@given(st.lists(elements, max_size=6).map(tuple))
def test_reading_undoes_writing(path: Path) -> None:
    assert parse_human_form(human_form(path)) == path


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    path = parse_human_form(text)
    assert path is None or isinstance(path, tuple)
