"""*Behind git* and *drifted* are two things, for each object and for the Application."""

from __future__ import annotations

import json

import pytest

from holdfast.domain.divergence import (
    MOST_NAMED,
    NO_DIVERGENCE,
    Divergence,
    Divergences,
    diverge,
)
from holdfast.domain.drift import SyncCode
from holdfast.domain.identity import ResourceKey

OUT = SyncCode.OUT_OF_SYNC
WEB = ResourceKey("apps", "Deployment", "team", "web")


@pytest.mark.parametrize(
    ("status", "declared", "applied", "drifts", "expected"),
    [
        pytest.param(SyncCode.SYNCED, "b", "a", True, Divergence.NEITHER, id="equals git"),
        pytest.param(SyncCode.UNKNOWN, "b", "a", True, Divergence.NEITHER, id="not compared"),
        pytest.param(None, "b", "a", True, Divergence.NEITHER, id="a hook"),
        pytest.param(OUT, "a", "a", True, Divergence.DRIFTED, id="changed in the cluster"),
        pytest.param(OUT, "a", "a", False, Divergence.DRIFTED, id="seen by git's comparison first"),
        pytest.param(OUT, "b", "a", False, Divergence.BEHIND, id="a new commit"),
        pytest.param(OUT, "b", "a", True, Divergence.BOTH, id="a new commit over a change"),
        pytest.param(OUT, "b", None, False, Divergence.BEHIND, id="new in git"),
        pytest.param(OUT, "b", None, True, Divergence.BEHIND, id="nothing was applied to drift"),
        pytest.param(OUT, None, "a", False, Divergence.BEHIND, id="git dropped it"),
        pytest.param(OUT, None, "a", True, Divergence.BOTH, id="git dropped it, changed before"),
        pytest.param(OUT, None, None, False, Divergence.BEHIND, id="tracked, and not declared"),
    ],
)
def test_an_object_is_behind_git_or_drifted_or_both_or_neither(
    status: SyncCode | None,
    declared: str | None,
    applied: str | None,
    drifts: bool,
    expected: Divergence,
) -> None:
    assert diverge(status, declared, applied, drifts=drifts) is expected


def test_an_object_that_is_both_counts_in_both() -> None:
    other = ResourceKey("", "ConfigMap", "team", "a")
    node = ResourceKey("", "Node", "", "n")
    found = Divergences.count(
        [(other, Divergence.NEITHER), (node, Divergence.BEHIND), (WEB, Divergence.BOTH)]
    )
    assert (found.behind, found.drifted) == (2, 1)
    assert found.of(WEB) is Divergence.BOTH
    assert found.of(other) is Divergence.NEITHER


def test_the_annotation_is_read_as_it_was_written() -> None:
    found = Divergences.count([(WEB, Divergence.BOTH)])
    text = found.annotation()
    assert text is not None
    assert json.loads(text) == {
        "behind": 1, "drifted": 1, "objects": {"apps:Deployment:team/web": "both"},
    }  # fmt: skip
    assert Divergences.parse(text) == found


def test_nothing_that_differs_is_no_annotation() -> None:
    assert Divergences.count([(WEB, Divergence.NEITHER)]).annotation() is None


@pytest.mark.parametrize("text", [None, "", "yes", "[]", '{"behind": 1}', '{"behind":"x"}', 3])
def test_what_somebody_else_wrote_there_says_nothing(text: object) -> None:
    assert Divergences.parse(text) == NO_DIVERGENCE


def test_a_large_application_names_only_the_first() -> None:
    keys = [ResourceKey("", "ConfigMap", "team", f"c{n:04}") for n in range(1000)]
    found = Divergences.count((key, Divergence.DRIFTED) for key in keys)
    text = found.annotation()
    assert found.drifted == 1000
    assert text is not None
    assert len(found.objects) == MOST_NAMED
    assert len(text) < 64 * 1024
