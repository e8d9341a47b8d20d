"""What the `holdfast.dev/…` annotations say about healing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.project import Project
from holdfast.healing.policy import has_annotations, object_policy
from holdfast.healing.windows import parse_windows, window_state
from tests.support.applications import application

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)  # a Wednesday
DEPLOYMENT = ResourceKey("apps", "Deployment", "prod", "web")


def project(**annotations: str) -> Project:
    names = {f"holdfast.dev/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return Project.parse(Manifest({"metadata": {"name": "default", "annotations": names}}))


def policy(app: dict[str, str], key: ResourceKey = DEPLOYMENT, **more: Any) -> Any:
    annotations = {f"holdfast.dev/{name}": text for name, text in app.items()}
    own = more.get("own")
    return object_policy(
        application(annotations=annotations),
        more.get("project", project()),
        key,
        Manifest({"metadata": {"annotations": own}}) if own is not None else None,
        NOON,
    )


@pytest.mark.parametrize(
    ("text", "key", "is_observed"),
    [
        pytest.param("apps/Deployment:web", DEPLOYMENT, True, id="group, kind and name"),
        pytest.param("apps/Deployment:api", DEPLOYMENT, False, id="another name"),
        pytest.param("autoscaling/*, apps/*", DEPLOYMENT, True, id="a glob in a list"),
        pytest.param("Deployment", DEPLOYMENT, False, id="no group is the core group"),
        pytest.param("Service", ResourceKey("", "Service", "p", "x"), True, id="a core kind"),
    ],
)
def test_an_application_names_what_is_observed_only(
    text: str, key: ResourceKey, is_observed: bool
) -> None:
    assert bool(policy({"observe": text}, key).observed) is is_observed


def test_an_object_may_speak_for_itself_only_where_its_project_allows_it() -> None:
    own = {"holdfast.dev/observe": "true"}
    assert policy({}, own=own).observed == ""
    assert policy({}, own=own, project=project(allow_object_policy="true")).observed


def test_a_delay_of_the_object_beats_that_of_the_application() -> None:
    allowed = project(allow_object_policy="true")
    own = {"holdfast.dev/heal-delay": "500ms"}
    assert policy({"heal-delay": "2s"}).delay_s == 2.0
    assert policy({"heal-delay": "2s"}, own=own, project=allowed).delay_s == 0.5


def test_without_annotations_nothing_is_asked() -> None:
    assert not has_annotations(application(), project())
    assert has_annotations(application(annotations={"holdfast.dev/heal-delay": "1s"}), project())


def windows(*items: dict[str, Any]) -> Any:
    return window_state(parse_windows(json.dumps(items)), application(), NOON)


def test_outside_an_allow_window_healing_is_closed_until_it_begins() -> None:
    state = windows({"kind": "allow", "schedule": "0 22 * * *", "duration": "1h"})
    assert not state.is_open
    assert state.until == datetime(2026, 3, 4, 22, 0, tzinfo=UTC)


def test_inside_an_allow_window_healing_is_open() -> None:
    assert windows({"kind": "allow", "schedule": "0 12 * * *", "duration": "1h"}).is_open


def test_an_active_deny_window_beats_an_allow_window_and_says_when_it_ends() -> None:
    state = windows(
        {"kind": "allow", "schedule": "* * * * *", "duration": "1h"},
        {"kind": "deny", "schedule": "0 12 * * *", "duration": "5m"},
    )
    assert not state.is_open
    assert state.until is not None
    assert state.until <= datetime(2026, 3, 4, 12, 5, tzinfo=UTC)


def test_a_window_for_others_leaves_this_application_open() -> None:
    deny = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["other"]}
    assert windows(deny).is_open


def test_a_schedule_is_read_on_the_clock_of_its_zone() -> None:
    # Noon in UTC is 13:00 in Berlin in March.
    deny = {"kind": "deny", "schedule": "0 13 * * *", "duration": "5m", "timeZone": "Europe/Berlin"}
    assert not windows(deny).is_open


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("not json", id="no JSON"),
        pytest.param('{"kind": "deny"}', id="no list"),
        pytest.param('[{"kind": "maybe"}]', id="another kind"),
        pytest.param('[{"kind": "deny", "schedule": "61 * * * *", "duration": "1h"}]', id="cron"),
        pytest.param('[{"kind": "deny", "schedule": "* * * * *", "duration": "x"}]', id="duration"),
    ],
)
def test_windows_that_cannot_be_read_close_and_say_so(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the texts differ by member
        parse_windows(text)
    state = policy({"heal-windows": text}).window
    assert not state.is_open
    assert state.detail
