"""Who fights with us is named wherever a person looks (demand N6).

The Event, the journal, `app get` and `drift show` say the manager, the field and the very entry of
`ignoreDifferences` that ends it.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from holdfast.kit.yamlio import load_one
from tests.support import declared as d
from tests.support.loaded import type_holdfast
from tests.support.person import Ref
from tests.support.site import at_work
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.domain.journal import Episode
    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
MANAGER = "opinionated-controller"
ENTRY = {"group": "apps", "kind": "Deployment", "name": "web", "jsonPointers": ["/spec/replicas"]}


async def undo(app: SiteApp, times: int) -> None:
    """A controller that wants another number, and says so after each heal."""
    place = app.place("web", "Deployment", "apps/v1")
    person = app.site.person

    async def is_healed() -> bool:
        return bool((await person.get(place))["spec"]["replicas"] == 0)

    for _ in range(times):
        await person.patch(place, {"spec": {"replicas": 3}}, manager=MANAGER)
        await eventually(is_healed)


def tells_all(text: str) -> bool:
    """Whether a text names who, what, and the remedy, to be pasted."""
    entry = load_one(text[text.index("{") : text.index("}") + 1])
    return MANAGER in text and "spec.replicas" in text and entry == ENTRY


async def the_event(site: Site, app: SiteApp) -> str:
    async def look() -> str:
        found = await site.person.get(Ref("v1", "Event", site.control, ""))
        told = [
            str(event["message"])
            for event in found["items"]
            if event["reason"] == "FightDetected" and event["involvedObject"]["name"] == app.name
        ]
        return told[0] if told else ""

    return await eventually(look)


async def the_episode(site: Site) -> Episode:
    journal = Journal(parse_dsn(str(site.folder / "data" / "journal.db")))

    async def look() -> Episode | None:
        episodes = await journal.episodes(EpisodeFilter())
        told = [one for one in episodes if any(m.decision == "fight" for m in one.decisions)]
        return told[0] if told else None

    found = await eventually(look)
    assert found is not None
    return found


async def holdfast(site: Site, *words: str) -> str:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HOLDFAST_")}
    environ |= {"KUBECONFIG": str(site.kubeconfig), "HOLDFAST_NAMESPACE": site.control}
    done = await asyncio.to_thread(type_holdfast, *words, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_event_journal_and_command_line_name_manager_field_and_remedy(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("fight", {"web.json": json.dumps(d.deployment(replicas=0))})
        await undo(app, 3)

        assert tells_all(await the_event(site, app))

        episode = await the_episode(site)
        (made,) = (one for one in episode.decisions if one.decision == "fight")
        assert tells_all(made.detail)
        assert episode.managers == (MANAGER,)

        def has_condition(tree: Tree) -> bool:
            conditions = tree["status"].get("conditions") or []
            return "FightWarning" in {one["type"] for one in conditions}

        await app.until(has_condition)
        said = await holdfast(site, "app", "get", app.name)
        assert tells_all(said[said.index("FightWarning") :])

        journal = str(tmp_path / "data" / "journal.db")
        said = await holdfast(site, "drift", "show", episode.id, "--journal", journal)
        assert tells_all(said[said.index("fight") :])
