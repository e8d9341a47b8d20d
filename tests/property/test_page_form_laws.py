"""Laws of the page's form: what is not typed is not touched, and what is typed is there or told.

For Applications of any shape, with blocks of wrong types among them: people paste what they like.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.api.page.create_fields import REST, SOURCE, overlay, read_all

Tree = dict[str, Any]
FIELDS = (*SOURCE, *REST)

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b=c", "x\ny"])
json = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "name", "count", "prune"]), inner, max_size=3)
    ),
    max_leaves=6,
)
tools = st.dictionaries(
    st.sampled_from(["images", "replicas", "commonLabels", "patches", "namePrefix", "recurse"]),
    json,
    max_size=4,
)
sources = st.fixed_dictionaries(
    {}, optional={"path": json, "repoURL": json, "kustomize": tools | json, "directory": tools}
)
policies = st.fixed_dictionaries(
    {},
    optional={
        "automated": json | st.fixed_dictionaries({}, optional={"enabled": json, "prune": json}),
        "syncOptions": json | st.lists(st.sampled_from(["CreateNamespace=true", "X=1"])),
    },
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "source": sources,
        "destination": json | st.fixed_dictionaries({}, optional={"server": json, "name": json}),
        "syncPolicy": policies | json,
        "project": json,
    },
)
trees = st.fixed_dictionaries(
    {"spec": specs},
    optional={"metadata": st.fixed_dictionaries({}, optional={"finalizers": json, "name": json})},
)


@settings(max_examples=60)
@given(trees)
def test_a_form_that_nobody_touched_changes_nothing(tree: Tree) -> None:
    before = copy.deepcopy(tree)
    values, _ = read_all(FIELDS, tree)
    assert overlay(FIELDS, tree, values) == (before, {})
    assert tree == before


texts = st.text(st.sampled_from("ab=1 \n-:"), max_size=12)
typing = st.fixed_dictionaries({}, optional={one.name: texts for one in FIELDS})


@settings(max_examples=60)
@given(trees, typing)
def test_whatever_is_typed_either_stands_in_the_tree_or_is_told(tree: Tree, typed: Tree) -> None:
    before = copy.deepcopy(tree)
    _, locked = read_all(FIELDS, tree)
    changed, wrong = overlay(FIELDS, tree, typed)
    assert tree == before
    assert not set(wrong) & locked
    again, wrong_again = overlay(FIELDS, changed, read_all(FIELDS, changed)[0])
    assert again == changed
    assert not wrong_again
