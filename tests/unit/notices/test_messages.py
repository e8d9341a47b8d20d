"""What a message says; a secret is in none."""

from __future__ import annotations

import json
import time

import pytest

from holdfast.domain.drift import Difference
from holdfast.notices.grouping import Grouping
from holdfast.notices.messages import Message, Origin, build_message
from holdfast.notices.notice import notices_of, remark_of
from holdfast.notices.signing import sign
from tests.support import happenings as h

CANARY = "canary-93ac"
TOKEN = "hmac-sha256:" + "a1" * 32


def message(*happenings: object) -> Message:
    grouping = Grouping(0.0, 60.0)
    for happening in happenings:
        for notice in notices_of(happening):  # type: ignore[arg-type]  # any happening
            grouping.add(notice, 0.0)
        remark = remark_of(happening)  # type: ignore[arg-type]  # any happening
        if remark is not None:
            grouping.remark(remark)
    (group,) = grouping.due(0.0)
    return build_message("m1", group, "default", Origin("prod", "argocd"))


def test_people_read_who_did_what_and_what_became_of_it() -> None:
    told = message(*h.whole("e1", seconds=0.008))
    assert told.title == "web: apps/Deployment prod/web healed (prod)"
    assert told.text == (
        "apps/Deployment prod/web was changed by kubectl-edit; healed in 8 ms\n"
        "  spec.replicas: 2 -> 5"
    )


def test_a_deletion_accuses_nobody() -> None:
    told = message(h.opened("e1", h.drift()))
    assert told.text == "apps/Deployment prod/web was deleted by somebody unknown; drifted"


def test_why_nothing_was_healed_is_part_of_it() -> None:
    told = message(h.opened("e1"), h.decided("e1", "hold", "paused", "paused by ada: INC-1"))
    assert "not healed: paused by ada: INC-1" in told.text
    entry = json.loads(told.body)["entries"][0]
    assert (entry["state"], entry["why"]) == ("not healed", "paused by ada: INC-1")


@pytest.mark.parametrize(
    ("difference", "key"),
    [
        pytest.param(Difference("data.x", TOKEN, TOKEN[::-1]), h.SECRET, id="of a Secret"),
        pytest.param(Difference("data", None, {"x": CANARY}), h.SECRET, id="a whole Secret"),
        pytest.param(
            Difference('spec.c[name="a"].env[name="DB_PASSWORD"].value', CANARY, CANARY),
            h.DEPLOYMENT,
            id="a variable named like one",
        ),
        pytest.param(
            Difference("spec.c", [], [{"env": [{"name": "API_TOKEN", "value": CANARY}]}]),
            h.DEPLOYMENT,
            id="deep in a list",
        ),
        pytest.param(
            Difference("spec.url", "", f"https://u:{CANARY}@x/"), h.DEPLOYMENT, id="in an address"
        ),
    ],
)
def test_a_secret_is_in_no_message(difference: Difference, key: object) -> None:
    told = message(h.opened("e1", h.drift(difference, key=key)))  # type: ignore[arg-type]  # a key
    for text in (told.body, told.text, told.title):
        assert CANARY not in text
        assert "a1a1" not in text


def test_a_megabyte_is_shown_without_holding_the_heals() -> None:
    """A step of the event loop must stay far below ten milliseconds."""
    huge = {"data": "x y=z " * 200_000, "list": [{"a": "b" * 5000}] * 5000}
    seen = h.opened("e1", h.drift(Difference("spec.config", huge, huge)))
    (notice,) = notices_of(seen)
    began = time.perf_counter()
    changes = notice.changes()
    assert time.perf_counter() - began < 0.05
    assert len(str(changes[0].before)) < 700


def test_the_signature_covers_the_time_and_the_body() -> None:
    assert sign("key", 1767355200, b"{}") == (
        "v1=4de214505b9aaa8846221025a7c0fe4ecfd4bf898043ca01144474c3b2cbf9c9"
    )
    assert sign("key", 1, b"{}") != sign("key", 2, b"{}")
    assert sign("key", 1, b"{}") != sign("key", 1, b"{ }")
    assert sign("key", 1, b"{}") != sign("other", 1, b"{}")
