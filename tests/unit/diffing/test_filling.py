"""What controllers filled in where git declares an empty value (apply.md A5)."""

from typing import Any

import pytest

from holdfast.diffing.compare import compare
from holdfast.diffing.echo import Echo, borrow, learn
from holdfast.diffing.filling import has_empty, without_filled
from holdfast.domain.manifest import Manifest

Tree = dict[str, Any]
OURS: Tree = {"f:spec": {"f:volumeName": {}, "f:note": {}, "f:list": {}}}


def claim(uid: str = "u", managers: tuple[Tree, ...] = (), **spec: Any) -> Manifest:
    metadata = {"name": "c", "namespace": "n", "uid": uid, "managedFields": list(managers)}
    return Manifest({"apiVersion": "v1", "kind": "Claim", "metadata": metadata, "spec": spec})


def entry(manager: str, fields: Tree, operation: str = "Update") -> Tree:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def ours(fields: Tree) -> Tree:
    return entry("holdfast", fields, "Apply")


DECLARED = claim(volumeName="", note="", list=[], size=1)


def echo() -> Echo:
    """The server keeps `note`, and drops `volumeName`."""
    found = learn(claim(managers=(ours(OURS),), note="", list=[]))
    assert found is not None
    return found


def filled(manager: str = "binder", **spec: Any) -> Manifest:
    theirs: Tree = {"f:spec": {f"f:{name}": {} for name in spec}}
    kept: Tree = {name: {} for name in OURS["f:spec"] if name[2:] not in spec}
    managers = (ours({"f:spec": kept}), entry(manager, theirs))
    return claim(managers=managers, **{"note": "", "list": [], **spec})


def test_what_a_controller_filled_in_is_left_out() -> None:
    live = filled(volumeName="pv-1")
    sent = without_filled(DECLARED, live, DECLARED, echo())
    assert sent.tree["spec"] == {"note": "", "list": [], "size": 1}


@pytest.mark.parametrize(
    ("live", "before"),
    [
        pytest.param(filled("kubectl-edit", volumeName="pv-1"), DECLARED, id="a person did it"),
        pytest.param(filled(note="x"), DECLARED, id="the server keeps our empty value"),
        pytest.param(filled(list=["x"]), DECLARED, id="the server keeps our empty list"),
        pytest.param(filled(volumeName="pv-1"), claim(volumeName="pv-0"), id="empty since now"),
        pytest.param(claim(managers=(ours(OURS),), note=""), DECLARED, id="nobody filled it"),
    ],
)
def test_what_is_drift_or_newly_declared_is_sent(live: Manifest, before: Manifest) -> None:
    assert without_filled(DECLARED, live, before, echo()) is DECLARED


def test_an_echo_of_another_object_says_nothing() -> None:
    live = Manifest(filled(volumeName="pv-1").tree).with_metadata(uid="other")
    assert without_filled(DECLARED, live, DECLARED, echo()) is DECLARED


def test_it_is_left_out_again_when_the_last_apply_left_it_out() -> None:
    live = filled(volumeName="pv-1")
    learned = learn(live)
    assert learned is not None
    assert "volumeName" not in without_filled(DECLARED, live, DECLARED, learned).tree["spec"]
    assert compare(live, learned).is_equal


def test_an_object_found_equal_by_a_dry_run_does_not_expect_what_was_filled_in() -> None:
    live = filled(volumeName="pv-1")
    found = borrow(claim(managers=(ours(OURS),), note="", list=[]), live)
    assert found is not None
    assert compare(live, found).is_equal
    assert "volumeName" not in without_filled(DECLARED, live, DECLARED, found).tree["spec"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a": {"b": [{"c": ""}]}}, True),
        ({"a": [1, {}]}, True),
        ({"a": 0}, True),
        ({"a": False, "b": None}, False),
        ({"a": "x", "b": [1]}, False),
    ],
)
def test_an_empty_value_is_found_at_any_depth(tree: Tree, expected: bool) -> None:
    assert has_empty(tree) is expected
