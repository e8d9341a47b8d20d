"""Our shapes of Argo CD's kinds against the wire messages that docs/internals/argocd/api.md lists.

The list was taken from Argo CD's wire format, our shapes from its documents: two sources that must
name the same fields.
"""

import re
from pathlib import Path

import pytest

from holdfast.schema.argo_crds import application, project
from holdfast.schema.argo_crds.shapes import Shape

FACTS = Path(__file__).parents[2] / "docs" / "internals" / "argocd" / "api.md"
_MESSAGE = re.compile(r"^(\w+) \{(.*)\}$", re.MULTILINE)
_FIELD = re.compile(r"(\w+)=\d+(\*?):(\w+)")
_TYPES = {"s": "string", "b": "boolean", "i64": "integer", "map": "object", "Time": "string"}


def wire_messages() -> dict[str, dict[str, tuple[str, bool]]]:
    """Name of each message -> its fields with their type and whether they repeat."""
    text = FACTS.read_text(encoding="utf-8")
    return {
        name: {field: (kind, bool(star)) for field, star, kind in _FIELD.findall(body)}
        for name, body in _MESSAGE.findall(text)
    }


def member(shape: Shape, *path: str) -> Shape:
    """The shape below a path; a list counts as its item."""
    for step in path:
        shape = shape["properties"][step]
        while "items" in shape:
            shape = shape["items"]
    return shape


STATE = member(application.STATUS, "operationState")
SYNC = member(application.OPERATION, "sync")
PROJECT_SPEC = member(project.PROJECT_SHAPE, "spec")

SHAPES = {
    "AppProjectSpec": PROJECT_SPEC,
    "ApplicationCondition": member(application.STATUS, "conditions"),
    "ApplicationDestination": application.DESTINATION,
    "ApplicationSource": application.SOURCE,
    "ApplicationSourceDirectory": application.DIRECTORY,
    "ApplicationSourceHelm": application.HELM,
    "ApplicationSourceKustomize": application.KUSTOMIZE,
    "ApplicationSourcePlugin": application.PLUGIN,
    "ApplicationSpec": application.SPEC,
    "ApplicationStatus": application.STATUS,
    "ApplicationSummary": member(application.STATUS, "summary"),
    "Backoff": member(application.RETRY, "backoff"),
    "ComparedTo": member(application.STATUS, "sync", "comparedTo"),
    "HealthStatus": application.HEALTH,
    "HelmParameter": member(application.HELM, "parameters"),
    "Operation": application.OPERATION,
    "OperationInitiator": application.INITIATED_BY,
    "OperationState": STATE,
    "ProjectRole": member(PROJECT_SPEC, "roles"),
    "ResourceIgnoreDifferences": member(application.SPEC, "ignoreDifferences"),
    "ResourceResult": member(STATE, "syncResult", "resources"),
    "ResourceStatus": member(application.STATUS, "resources"),
    "RetryStrategy": application.RETRY,
    "RevisionHistory": member(application.STATUS, "history"),
    "SourceHydrator": application.HYDRATOR,
    "SourceHydratorStatus": member(application.STATUS, "sourceHydrator"),
    "SyncOperation": SYNC,
    "SyncOperationResource": member(SYNC, "resources"),
    "SyncOperationResult": member(STATE, "syncResult"),
    "SyncPolicy": application.SYNC_POLICY,
    "SyncPolicyAutomated": member(application.SYNC_POLICY, "automated"),
    "SyncStatus": member(application.STATUS, "sync"),
    "SyncStrategy": member(SYNC, "syncStrategy"),
    "SyncWindow": member(PROJECT_SPEC, "syncWindows"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_exactly_the_fields_of_the_wire_message(name: str) -> None:
    message, shape = wire_messages()[name], SHAPES[name]
    assert set(shape["properties"]) == set(message)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_the_types_of_the_wire_message(name: str) -> None:
    message, shape = wire_messages()[name], SHAPES[name]
    for field, (kind, repeats) in message.items():
        found = shape["properties"][field]
        assert (found["type"] == "array") is repeats, field
        wanted = _TYPES.get(kind, "object")
        assert (found["items"] if repeats else found)["type"] == wanted, field
