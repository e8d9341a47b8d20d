"""Who made a drift is proven by the audit log, or unknown: nobody is accused by guess."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from holdfast.domain.drift import Difference
from holdfast.domain.identity import ResourceKey, Uid
from holdfast.journal.attribution import Attribution, AttributionSettings
from tests.support import happenings as h

if TYPE_CHECKING:
    from holdfast.domain.audit import AuditedRequest, DriftAttributed

PLURALS = {("apps", "Deployment"): "deployments", ("", "Secret"): "secrets"}
EDIT = {"verb": "patch", "manager": "kubectl-edit"}
LATER = h.NOON + timedelta(seconds=61)


class Court:
    """An attribution and what it found."""

    def __init__(self, settings: AttributionSettings | None = None) -> None:
        self.found: list[DriftAttributed] = []
        self.attribution = Attribution(
            lambda group, kind: PLURALS.get((group, kind), ""), self.found.append, settings
        )
        self.attribution.use_identity("system:serviceaccount:argocd:holdfast")

    def hears(self, *requests: AuditedRequest) -> None:
        for request in requests:
            self.attribution.heard(request)

    @property
    def users(self) -> list[tuple[str, str]]:
        return [(found.request.username, found.matched_by) for found in self.found]


@pytest.fixture
def court() -> Court:
    return Court()


def test_the_version_that_was_seen_proves_a_change_at_once(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), version=77))
    court.hears(
        h.asked(**EDIT, username="bob", version=76), h.asked(**EDIT, version=77),
    )  # fmt: skip
    assert court.users == [("ann", "resourceVersion")]


def test_a_form_that_was_overtaken_names_who_made_it_when_all_must_have_come(court: Court) -> None:
    """The edit made 76, a controller's status 77; the edit's own event was never looked at."""
    court.attribution.take(h.opened(h.new_id(), version=77, after=75))
    court.hears(h.asked(**EDIT, version=76))
    assert court.users == []
    court.attribution.settle(LATER)
    assert court.users == [("ann", "time")]


@pytest.mark.parametrize("version", [75, 78])
def test_who_wrote_before_the_last_good_form_or_after_the_drift_is_not_accused(
    court: Court, version: int
) -> None:
    court.attribution.take(h.opened(h.new_id(), version=77, after=75))
    court.hears(h.asked(**EDIT, version=version))
    court.attribution.settle(LATER)
    assert court.users == []


def test_two_who_wrote_between_the_last_good_form_and_the_drift_make_it_unknown(
    court: Court,
) -> None:
    court.attribution.take(h.opened(h.new_id(), version=78, after=75))
    court.hears(h.asked(**EDIT, version=76), h.asked(**EDIT, version=77, username="bob"))
    court.attribution.settle(LATER)
    assert court.users == []


def test_what_was_not_listened_to_proves_nothing_by_time_and_all_by_version(court: Court) -> None:
    """Another one's request may have come before a restart."""
    court.attribution.listens_since(h.NOON - timedelta(seconds=9))
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.attribution.take(h.opened(h.new_id(), version=77))
    court.hears(h.asked(), h.asked(**EDIT, version=77))
    court.attribution.settle(LATER)
    assert court.users == [("ann", "resourceVersion")]


def test_a_drift_that_is_told_twice_is_one(court: Court) -> None:
    drift = h.opened(h.new_id(), version=77)
    court.attribution.take(drift)
    court.attribution.take(drift)
    court.hears(h.asked(**EDIT, version=77))
    assert court.users == [("ann", "resourceVersion")]
    assert not court.attribution._open_at


def test_a_request_may_be_heard_before_the_drift_is_seen(court: Court) -> None:
    court.hears(h.asked(**EDIT, version=77))
    court.attribution.take(h.opened(h.new_id(), version=77))
    assert court.users == [("ann", "resourceVersion")]


def test_the_uid_of_what_is_gone_proves_a_deletion_at_once(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(username="bob", uid=Uid("another")), h.asked(uid=Uid("u1")))
    assert court.users == [("ann", "uid")]


def test_without_answers_the_only_request_is_named_when_all_must_have_come(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(at=h.NOON - timedelta(seconds=3)))
    court.attribution.settle(h.NOON + timedelta(seconds=59))
    assert court.users == []
    court.attribution.settle(LATER)
    assert court.users == [("ann", "time")]


def test_two_users_who_can_have_been_it_make_it_unknown(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(), h.asked(username="bob", at=h.NOON - timedelta(seconds=2)))
    court.attribution.settle(LATER)
    assert court.users == []


def test_one_user_who_asked_twice_is_one(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(), h.asked(at=h.NOON - timedelta(seconds=2)))
    court.attribution.settle(LATER)
    assert court.users == [("ann", "time")]


def test_one_user_by_two_ways_is_not_one(court: Court) -> None:
    """Who impersonates ann is not known to be ann."""
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(), h.asked(impersonator="bob"))
    court.attribution.settle(LATER)
    assert court.users == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verb": "patch"}, id="another verb"),
        pytest.param({"name": "web-2"}, id="another name"),
        pytest.param({"namespace": "dev"}, id="another namespace"),
        pytest.param({"group": "extensions"}, id="another group"),
        pytest.param({"resource": "statefulsets"}, id="another kind"),
        pytest.param({"uid": Uid("older")}, id="an object of that name that is long gone"),
        pytest.param({"at": h.NOON - timedelta(seconds=11)}, id="too early"),
        pytest.param({"at": h.NOON + timedelta(seconds=3)}, id="too late"),
        pytest.param({"verb": "deletecollection", "name": ""}, id="a collection names nobody"),
        pytest.param(
            {"username": "system:serviceaccount:argocd:holdfast", "user_agent": "holdfast"},
            id="ourselves",
        ),
    ],
)
def test_a_request_that_does_not_fit_accuses_nobody(court: Court, changes: dict[str, str]) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(**changes))
    court.attribution.settle(LATER)
    assert court.users == []


def test_a_collection_that_was_deleted_makes_others_unsure(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(), h.asked(verb="deletecollection", name="", username="bob"))
    court.attribution.settle(LATER)
    assert court.users == []


def test_a_person_who_shares_our_user_is_told_from_us_by_the_user_agent(court: Court) -> None:
    court.attribution.use_identity("admin")
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(username="admin", user_agent="holdfast"), h.asked(username="admin"))
    court.attribution.settle(LATER)
    assert court.users == [("admin", "time")]


def test_whoever_calls_himself_holdfast_is_seen_all_the_same(court: Court) -> None:
    court.attribution.take(h.opened(h.new_id(), h.drift()))
    court.hears(h.asked(user_agent="holdfast"))
    court.attribution.settle(LATER)
    assert court.users == [("ann", "time")]


def test_a_change_by_another_manager_is_not_the_one(court: Court) -> None:
    """bob annotates the object in the same second; the drifted field is not his."""
    court.attribution.take(h.opened(h.new_id()))
    court.hears(
        h.asked(**EDIT), h.asked(verb="patch", manager="kubectl-annotate", username="bob"),
    )  # fmt: skip
    court.attribution.settle(LATER)
    assert court.users == [("ann", "time")]


def test_of_a_removed_field_every_change_may_have_been_it(court: Court) -> None:
    """Kubernetes keeps no manager of a field that is gone (B2)."""
    court.attribution.take(
        h.opened(h.new_id(), h.drift(Difference("metadata.labels.a", "b", None)))
    )
    court.hears(
        h.asked(**EDIT), h.asked(verb="patch", manager="kubectl-annotate", username="bob"),
    )  # fmt: skip
    court.attribution.settle(LATER)
    assert court.users == []


def test_drifts_of_other_objects_are_left_alone(court: Court) -> None:
    secret = ResourceKey("", "Secret", "prod", "web")
    court.attribution.take(h.opened(h.new_id(), h.drift(key=secret)))
    court.attribution.take(h.opened("5" * 16, h.drift()))
    court.hears(h.asked(uid=Uid("u1")))
    assert [found.episode for found in court.found] == ["5" * 16]


def test_what_waits_is_bounded_and_the_oldest_is_forgotten() -> None:
    court = Court(AttributionSettings(episodes=3, requests=3))
    for number in range(10):
        court.attribution.take(h.opened(f"{number:016x}", h.drift()))
        court.hears(h.asked(name=f"other-{number}"))
    attribution = court.attribution
    assert (len(attribution._open), len(attribution._requests)) == (3, 3)
    assert sum(map(len, attribution._open_at.values())) == 3
    assert sum(map(len, attribution._requests_at.values())) == 3
    attribution.settle(LATER + timedelta(seconds=60))
    left = attribution._open, attribution._open_at, attribution._requests, attribution._requests_at
    assert not any(left)


def test_a_storm_of_drifts_and_requests_costs_little_for_each(court: Court) -> None:
    """2,000 of each must not be compared pair by pair: that would be four million."""
    asked = 0

    def find(group: str, kind: str) -> str:
        nonlocal asked
        asked += 1
        return PLURALS[(group, kind)]

    attribution = Attribution(find, court.found.append)
    for number in range(2000):
        key = ResourceKey("apps", "Deployment", "prod", f"web-{number}")
        attribution.take(h.opened(f"{number:016x}", h.drift(key=key)))
    for number in range(2000):
        attribution.heard(h.asked(name=f"web-{number}", uid=Uid("u1")))
    assert len(court.found) == 2000
    assert asked < 5000
