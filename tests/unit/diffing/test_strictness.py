"""How much beside the declared fields counts as drift."""

from typing import Any

import pytest

from holdfast.diffing.echo import learn
from holdfast.diffing.strictness import Strictness, compare_strictly, removals
from holdfast.domain.manifest import Manifest
from holdfast.schema.field_path import human_form


def entry(manager: str, fields: dict[str, Any], operation: str, **more: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsV1": fields,
        **more,
    }


OURS = entry("holdfast", {"f:data": {"f:a": {}}}, "Apply")


def config_map(data: dict[str, str], *entries: dict[str, Any]) -> Manifest:
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c", "uid": "u", "managedFields": [OURS, *entries]},
            "data": data,
        }
    )


ECHO = learn(config_map({"a": "1"}))


def found(strictness: Strictness, *entries: dict[str, Any], ignored: tuple[str, ...] = ()) -> Any:
    assert ECHO is not None
    live = config_map({"a": "1", "b": "2"}, *entries)
    comparison = compare_strictly(live, ECHO, ignored, strictness)
    return [human_form(path) for path in removals(comparison)]


EDIT = entry("kubectl-edit", {"f:data": {"f:b": {}}}, "Update")
OPERATOR = entry("some-operator", {"f:data": {"f:b": {}}}, "Update")


@pytest.mark.parametrize(
    ("strictness", "who", "counts"),
    [
        pytest.param(Strictness.DECLARED, EDIT, [], id="declared leaves a person's field alone"),
        pytest.param(Strictness.OWNED, EDIT, ["data.b"], id="owned removes a person's field"),
        pytest.param(Strictness.OWNED, OPERATOR, [], id="owned leaves an operator's field alone"),
        pytest.param(Strictness.EXACT, OPERATOR, ["data.b"], id="exact removes an operator's"),
        pytest.param(
            Strictness.EXACT,
            entry("kube-controller-manager", {"f:data": {"f:b": {}}}, "Update"),
            [],
            id="exact leaves the control plane alone",
        ),
        pytest.param(
            Strictness.EXACT,
            entry("kubectl", {"f:data": {"f:b": {}}}, "Update", subresource="scale"),
            [],
            id="a subresource never counts",
        ),
    ],
)
def test_what_counts_depends_on_the_strictness(
    strictness: Strictness, who: dict[str, Any], counts: list[str]
) -> None:
    assert found(strictness, who) == counts


def test_a_manager_of_an_ignore_rule_never_counts() -> None:
    assert found(Strictness.EXACT, OPERATOR, ignored=("some-operator",)) == []


def test_an_unknown_strictness_is_the_default() -> None:
    assert Strictness.parse("very") is Strictness.DECLARED
    assert Strictness.parse(None) is Strictness.DECLARED
