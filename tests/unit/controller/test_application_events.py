"""No change of an Application goes unnoticed, however events and our own answers interleave."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from holdfast.domain.application import APPLICATION, REFRESH_ANNOTATION, Application
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from tests.support import builders
from tests.support.rig import Rig, controlling

if TYPE_CHECKING:
    from holdfast.domain.identity import AppKey

SCOPE = WatchScope(APPLICATION, "argocd")


def next_version(manifest: Manifest) -> Manifest:
    tree = copy.deepcopy(manifest.tree)
    tree["metadata"]["resourceVersion"] = str(manifest.version_number + 1)
    return Manifest(tree)


def listen(rig: Rig) -> list[tuple[Application | None, Application | None]]:
    """Collect what the controller is told."""
    told: list[tuple[Application | None, Application | None]] = []

    def note(key: AppKey, old: Application | None, new: Application | None) -> None:
        del key
        told.append((old, new))

    rig.controller.observer.app_changed = note
    return told


async def test_a_request_that_came_with_the_answer_to_our_own_write_is_noticed() -> None:
    """Somebody asks for a refresh; our status write lands after it and its answer comes first."""
    async with controlling(builders.app()) as rig:
        await rig.settle()
        told = listen(rig)
        asked = next_version(Manifest(rig.app())).with_annotation(REFRESH_ANNOTATION, "normal")
        answer = next_version(asked)
        rig.state().application = Application.parse(answer)

        rig.controller.observer.observe(SCOPE, EventKind.MODIFIED, asked)
        rig.controller.observer.observe(SCOPE, EventKind.MODIFIED, answer)

        assert [new.manifest.annotation(REFRESH_ANNOTATION) for _, new in told if new] == [
            "normal",
            "normal",
        ]
        assert rig.state().application.manifest.version_number == answer.version_number


async def test_an_older_event_never_takes_back_what_is_known() -> None:
    async with controlling(builders.app()) as rig:
        await rig.settle()
        before = Manifest(rig.app())
        older, newer = next_version(before), next_version(next_version(before))
        rig.state().application = Application.parse(newer)
        rig.controller.observer.observe(SCOPE, EventKind.MODIFIED, older)
        assert rig.state().application.manifest.version_number == newer.version_number


async def test_the_same_event_twice_is_told_once() -> None:
    async with controlling(builders.app()) as rig:
        await rig.settle()
        told = listen(rig)
        event = next_version(Manifest(rig.app()))
        rig.controller.observer.observe(SCOPE, EventKind.MODIFIED, event)
        rig.controller.observer.observe(SCOPE, EventKind.MODIFIED, event)
        assert len(told) == 1
