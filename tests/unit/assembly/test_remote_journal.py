"""What a server tells of drift is read back as the journal has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.assembly.remote_journal import read_episode
from holdfast.domain.audit import Culprit
from holdfast.domain.drift import FieldOwner
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.journal import DecisionMade, Episode, FieldChange, HealMade
from tests.support.fakes import NOON

CHANGE = FieldChange("spec.replicas", 2, 5, ("kubectl-edit",), (FieldOwner("kubectl-edit"),))
CULPRIT = Culprit("ann", "", "kubectl", "10.0.0.7", "delete", "", "8e1c", "uid", NOON)


def episode(**rest: Any) -> Episode:
    return Episode(
        id="3f9c2d1b7ab1b0d8",
        source="here",
        app=AppKey("argocd", "web"),
        key=ResourceKey("apps", "Deployment", "prod", "web"),
        what="changed",
        changes=(CHANGE,),
        managers=("kubectl-edit",),
        detected_at=NOON,
        **rest,
    )


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(episode(), id="open"),
        pytest.param(
            episode(decisions=(DecisionMade(NOON, "hold", "paused", "by ann"),)), id="held"
        ),
        pytest.param(
            episode(
                closed_at=NOON + timedelta(milliseconds=9),
                closing="healed",
                heals=(HealMade(NOON, "healed", 0.0084, "", (CHANGE,)),),
                culprit=CULPRIT,
            ),
            id="healed",
        ),
    ],
)
def test_an_episode_that_a_server_tells_is_the_episode_of_the_journal(told: Episode) -> None:
    assert read_episode(told.to_tree()) == told
