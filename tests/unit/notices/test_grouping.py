"""One message for a burst, each drift told once: people must not learn to look away (N7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from holdfast.domain.drift import Difference
from holdfast.domain.events import AppEvent, Closing, Outcome, Reason
from holdfast.domain.identity import AppKey, Uid
from holdfast.notices.grouping import MOST_ENTRIES, Grouping
from holdfast.notices.notice import Notice, Trigger, notice_of_event, notices_of, remark_of
from tests.support import happenings as h

GROUP_S, REPEAT_S = 10.0, 600.0


def grouping() -> Grouping:
    return Grouping(GROUP_S, REPEAT_S)


def drifted(episode: str = "", replicas: int = 5, app: AppKey = h.WEB) -> Notice:
    seen = h.drift(Difference("spec.replicas", 2, replicas, ("kubectl-edit",)))
    (notice,) = notices_of(h.opened(episode or h.new_id(), seen, app=app))
    return notice


def test_a_burst_of_an_application_becomes_one_message() -> None:
    known = grouping()
    for replicas in range(5):
        known.add(drifted(replicas=replicas), now_s=float(replicas))
    assert known.due(GROUP_S - 1) == []
    (group,) = known.due(GROUP_S)
    assert [entry.notice.changes()[0].after for entry in group.entries] == [0, 1, 2, 3, 4]
    assert known.due(GROUP_S) == []


def test_each_application_has_a_message_of_its_own() -> None:
    known = grouping()
    known.add(drifted(), 0.0)
    known.add(drifted(app=AppKey("argocd", "other")), 0.0)
    assert [group.app.name for group in known.due(GROUP_S)] == ["web", "other"]


def test_a_drift_and_its_heal_are_one_entry() -> None:
    known = grouping()
    for happening in h.whole("e1", seconds=0.008):
        for notice in notices_of(happening):
            known.add(notice, 0.0)
        if remark := remark_of(happening):
            known.remark(remark)
    (group,) = known.due(GROUP_S)
    (entry,) = group.entries
    assert entry.triggers == [Trigger.DRIFT, Trigger.HEAL]
    assert (entry.state, entry.notice.seconds, entry.count) == ("healed", 0.008, 1)


def test_the_same_drift_is_not_told_again_and_its_count_is() -> None:
    known = grouping()
    known.add(drifted(), 0.0)
    assert len(known.due(GROUP_S)) == 1
    for at_s in (20.0, 30.0, 40.0):
        known.add(drifted(), at_s)
    assert known.due(REPEAT_S - 1) == []
    assert known.next_due_s() == REPEAT_S
    assert known.due(REPEAT_S) == []  # the count opens a group as anything else does
    (group,) = known.due(REPEAT_S + GROUP_S)
    assert [entry.count for entry in group.entries] == [3]


def test_another_value_of_the_same_field_is_told() -> None:
    known = grouping()
    known.add(drifted(replicas=5), 0.0)
    known.due(GROUP_S)
    known.add(drifted(replicas=6), 20.0)
    assert len(known.due(30.0)) == 1


def test_a_drift_that_did_not_come_again_is_forgotten() -> None:
    known = grouping()
    known.add(drifted(), 0.0)
    known.due(GROUP_S)
    assert known.due(REPEAT_S) == []
    assert known.next_due_s() is None


def test_why_nothing_is_healed_is_said() -> None:
    known = grouping()
    known.add(drifted("e1"), 0.0)
    remark = remark_of(h.decided("e1", "hold", "paused", "paused by ada until 12:30: INC-1"))
    assert remark is not None
    known.remark(remark)
    (group,) = known.due(GROUP_S)
    assert (group.entries[0].state, group.entries[0].why) == (
        "not healed",
        "paused by ada until 12:30: INC-1",
    )


def test_a_heal_that_failed_stays_one_although_the_verdict_is_to_hold_now() -> None:
    known = grouping()
    known.add(drifted("e1"), 0.0)
    refused = h.healed("e1", outcome=Outcome.REFUSED, message="HF2013 denied by policy")
    known.add(notices_of(refused)[0], 0.0)
    remark = remark_of(h.decided("e1", "hold", "refused", "denied by policy"))
    assert remark is not None
    known.remark(remark)
    (entry,) = known.due(GROUP_S)[0].entries
    assert (entry.state, entry.why) == ("heal failed", "HF2013 denied by policy")
    assert entry.triggers == [Trigger.DRIFT, Trigger.HEAL_FAILED]


def test_a_drift_that_somebody_put_back_is_said_to_be_over() -> None:
    known = grouping()
    known.add(drifted("e1"), 0.0)
    remark = remark_of(h.closed("e1", Closing.REVERTED))
    assert remark is not None
    known.remark(remark)
    assert known.due(GROUP_S)[0].entries[0].state == "reverted"


def test_a_storm_is_counted_where_it_is_too_long_to_list() -> None:
    known = grouping()
    for number in range(MOST_ENTRIES + 7):
        known.add(drifted(replicas=number), 0.0)
    (group,) = known.due(GROUP_S)
    assert (len(group.entries), group.more) == (MOST_ENTRIES, 7)


def test_a_heal_that_waits_for_something_is_not_a_failure() -> None:
    assert notices_of(h.healed("e1", outcome=Outcome.POSTPONED)) == []
    (failed,) = notices_of(h.healed("e1", outcome=Outcome.REFUSED, message="denied by policy"))
    assert (failed.trigger, failed.why) == (Trigger.HEAL_FAILED, "denied by policy")


def test_a_fight_whose_figures_changed_is_the_same_fight() -> None:
    def told(text: str) -> Notice:
        event = AppEvent(h.WEB, Uid("u1"), Reason.FIGHT, text, warning=True)
        found = notice_of_event(event, h.NOON)
        assert found is not None
        return found

    known = grouping()
    known.add(told("hpa undoes us (3 times)"), 0.0)
    known.add(told("hpa undoes us (4 times)"), 1.0)
    (group,) = known.due(GROUP_S)
    assert len(group.entries) == 1


def test_a_notice_tells_when_it_happened_first_and_last() -> None:
    known = grouping()
    first = drifted("e1")
    later = replace(first, trigger=Trigger.HEAL, at=first.at + timedelta(seconds=3))
    known.add(first, 0.0)
    known.add(later, 3.0)
    (entry,) = known.due(GROUP_S)[0].entries
    assert (entry.first_at, entry.notice.at) == (first.at, later.at)
