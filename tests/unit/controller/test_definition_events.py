"""Discovery is asked when a CRD serves something else than before, and only then (DESIGN §4.1)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.kinds import CRD
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import EventKind, WatchScope
from tests.support import builders
from tests.support.rig import Rig, controlling

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, Any]
SCOPE = WatchScope(CRD)


def established() -> Tree:
    tree = builders.custom_resource_definition()
    tree["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    return tree


def listen(rig: Rig) -> list[str]:
    """Collects a word for each time discovery would be asked."""
    asked: list[str] = []
    rig.controller.observer.kinds_changed = lambda: asked.append("asked")
    return asked


def tell(rig: Rig, event: EventKind, tree: Tree) -> None:
    rig.controller.observer.observe(SCOPE, event, Manifest(tree))


def annotate(tree: Tree) -> None:
    tree["metadata"]["annotations"] = {"renewed": "now"}


def store(tree: Tree) -> None:
    tree["status"]["storedVersions"] = ["v1"]


def describe(tree: Tree) -> None:
    version = tree["spec"]["versions"][0]
    version["schema"] = {"openAPIV3Schema": {"type": "object", "description": "words"}}


@pytest.mark.parametrize("change", [annotate, store, describe])
async def test_a_change_that_serves_nothing_else_asks_nothing(
    change: Callable[[Tree], None],
) -> None:
    async with controlling(builders.app()) as rig:
        await rig.settle()
        asked = listen(rig)
        tree = established()
        tell(rig, EventKind.LISTED, tree)
        later = copy.deepcopy(tree)
        change(later)
        tell(rig, EventKind.MODIFIED, later)
        assert asked == []


def unserve(tree: Tree) -> None:
    tree["spec"]["versions"][0]["served"] = False


def shorten(tree: Tree) -> None:
    tree["spec"]["names"]["shortNames"] = ["w"]


def terminate(tree: Tree) -> None:
    tree["metadata"]["deletionTimestamp"] = "2026-11-23T16:00:00Z"


def recreate(tree: Tree) -> None:
    tree["metadata"]["uid"] = "another"


def refuse(tree: Tree) -> None:
    tree["status"]["conditions"][0]["status"] = "False"


@pytest.mark.parametrize("change", [unserve, shorten, terminate, recreate, refuse])
async def test_a_change_of_what_is_served_asks_once(change: Callable[[Tree], None]) -> None:
    async with controlling(builders.app()) as rig:
        await rig.settle()
        asked = listen(rig)
        tree = established()
        tell(rig, EventKind.LISTED, tree)
        later = copy.deepcopy(tree)
        change(later)
        tell(rig, EventKind.MODIFIED, later)
        tell(rig, EventKind.MODIFIED, later)
        assert asked == ["asked"]


async def test_a_definition_that_comes_and_goes_is_asked_about_each_time() -> None:
    async with controlling(builders.app()) as rig:
        await rig.settle()
        asked = listen(rig)
        for event in (EventKind.ADDED, EventKind.DELETED, EventKind.ADDED):
            tell(rig, event, established())
        assert len(asked) == 3
