"""Annotations of ours that are not understood are named, and how it goes on."""

import pytest

from holdfast.controller.misread import misread_annotations
from holdfast.domain.condition import ConditionType
from holdfast.domain.manifest import Manifest
from holdfast.domain.project import Project
from tests.support.applications import application

NIGHT = '[{"kind": "deny", "schedule": "0 22 * * *", "duration": "2h"}]'


def said(**annotations: str) -> list[str]:
    names = {f"holdfast.dev/{name.replace('_', '-')}": text for name, text in annotations.items()}
    found = misread_annotations(application(annotations=names), None)
    assert {one.type for one in found} <= {ConditionType.MISREAD_ANNOTATION}
    return [one.message for one in found]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("self_heal", "latest", "'latest' is not understood, the only value is last-synced"),
        ("strictness", "exakt", "it is declared, owned, exact: declared holds"),
        ("heal_delay", "5 minutes", "invalid duration '5 minutes'"),
        ("heal_windows", "[", "is not JSON"),
        ("heal_windows", '[{"kind": "maybe"}]', "nothing is healed until it can be read"),
        ("observe", "true", "names no object of the Application"),
        ("allow_object_policy", "true", "counts on an AppProject alone"),
        ("heal_window", NIGHT, "do you mean holdfast.dev/heal-windows?"),
        ("colour", "red", "holdfast.dev/colour is no annotation that Holdfast knows"),
    ],
)
def test_what_is_not_understood_is_named_with_what_follows(
    name: str, text: str, words: str
) -> None:
    (message,) = said(**{name: text})
    assert f"holdfast.dev/{name.replace('_', '-')}" in message
    assert words in message


def test_nothing_is_said_of_what_is_understood() -> None:
    assert said() == []
    assert (
        said(
            self_heal="last-synced",
            strictness="exact",
            heal_delay="500ms",
            heal_windows=NIGHT,
            observe="apps/Deployment:web, autoscaling/*",
            differs="{}",
        )
        == []
    )


def test_windows_of_the_project_are_said_of_its_applications() -> None:
    annotations = {"holdfast.dev/heal-windows": "nothing"}
    project = Project.parse(Manifest({"metadata": {"name": "team", "annotations": annotations}}))
    (found,) = misread_annotations(application(), project)
    assert found.message.startswith("AppProject team: holdfast.dev/heal-windows is not JSON")
