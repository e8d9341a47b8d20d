"""What the deletion of an Application removes (controller.md §9)."""

from typing import Any

import pytest

from holdfast.domain.application import Application
from holdfast.domain.condition import ConditionType
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import Propagation
from holdfast.planning.cascade import (
    DeleteWave,
    Finished,
    WaitConfirmation,
    WaitGone,
    is_deletable,
    next_cascade_step,
    unreachable_destination,
)
from tests.support.applications import application, definition, thing

FINALIZER = "resources-finalizer.argocd.argoproj.io"
OPTIONS = "argocd.argoproj.io/sync-options"
WAVE = "argocd.argoproj.io/sync-wave"


def deleting(*finalizers: str, options: tuple[str, ...] = (), **metadata: Any) -> Application:
    return application(
        {"syncPolicy": {"syncOptions": list(options)}},
        finalizers=list(finalizers or (FINALIZER,)),
        deletionTimestamp="2026-01-01T10:00:00Z",
        **metadata,
    )


def test_without_the_finalizer_every_object_stays() -> None:
    assert next_cascade_step(deleting("other"), [thing()]) == Finished(())


@pytest.mark.parametrize(
    ("finalizer", "propagation"),
    [
        (FINALIZER, Propagation.FOREGROUND),
        (f"{FINALIZER}/foreground", Propagation.FOREGROUND),
        (f"{FINALIZER}/background", Propagation.BACKGROUND),
    ],
)
def test_the_finalizer_says_how_dependents_go(finalizer: str, propagation: Propagation) -> None:
    step = next_cascade_step(deleting(finalizer), [thing()])
    assert step == DeleteWave(0, (thing(),), propagation)


def test_the_highest_wave_goes_first_and_alone() -> None:
    late = thing(name="late", annotations={WAVE: "2"})
    step = next_cascade_step(deleting(), [thing(), late])
    assert step == DeleteWave(2, (late,), Propagation.FOREGROUND)


def test_nothing_more_is_deleted_while_something_is_going() -> None:
    going = thing(name="going", metadata={"deletionTimestamp": "2026-01-01T10:00:01Z"})
    assert next_cascade_step(deleting(), [thing(), going]) == WaitGone((going.key,))


@pytest.mark.parametrize(
    ("approved", "waits"),
    [(None, True), ("2026-01-01T09:00:00Z", True), ("2026-01-01T10:00:00Z", False)],
)
def test_one_object_that_asks_holds_the_whole_deletion(approved: str | None, waits: bool) -> None:
    asking = thing(name="asking", annotations={OPTIONS: "Delete=confirm"})
    annotations = {"argocd.argoproj.io/deletion-approved": approved} if approved else {}
    step = next_cascade_step(deleting(annotations=annotations), [thing(), asking])
    assert (step == WaitConfirmation((asking.key,))) is waits
    assert isinstance(step, DeleteWave) is not waits


@pytest.mark.parametrize(
    ("live", "options"),
    [
        pytest.param(definition("Order"), (), id="a definition"),
        pytest.param(thing(annotations={OPTIONS: "Delete=false"}), (), id="annotated"),
        pytest.param(thing(), ("Delete=false",), id="kept by the spec"),
        pytest.param(thing(annotations={"helm.sh/resource-policy": "keep"}), (), id="kept by helm"),
        pytest.param(
            thing("Application", namespace="argocd", api_version="argoproj.io/v1alpha1"),
            (),
            id="the Application itself",
        ),
    ],
)
def test_deletion_never_removes(live: Manifest, options: tuple[str, ...]) -> None:
    app = deleting(options=options)
    assert not is_deletable(app, live)
    assert next_cascade_step(app, [live]) == Finished((FINALIZER,))


def test_only_finalizers_of_the_cascade_are_dropped() -> None:
    app = deleting("keep/me", f"{FINALIZER}/background", FINALIZER)
    assert next_cascade_step(app, []) == Finished((f"{FINALIZER}/background", FINALIZER))


def test_an_unknown_cluster_is_a_deletion_error_and_says_that_finalizers_stay() -> None:
    condition = unreachable_destination("there are no clusters with this name: east")
    assert condition.type is ConditionType.DELETION_ERROR
    assert condition.message.startswith("there are no clusters with this name: east; ")
    assert "finalizers stay" in condition.message
