"""A new commit and a change in the cluster are two things wherever one looks (N29)."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.support import declared as d
from tests.support.loaded import type_holdfast
from tests.support.process import OBSERVING
from tests.support.site import at_work, config_map, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
FILES: dict[str, str | bytes | None] = {
    name: config_map(name[0], color="blue") for name in ("a.yaml", "b.yaml", "c.yaml")
}


def differs(tree: Tree) -> Tree:
    """What the annotation says: the object's name -> why."""
    text = tree["metadata"].get("annotations", {}).get("holdfast.dev/differs", '{"objects":{}}')
    return {name.rpartition("/")[2]: why for name, why in json.loads(text)["objects"].items()}


async def holdfast(site: Site, *arguments: str, code: int = 0) -> str:
    place = ("--namespace", site.control, "--kubeconfig", str(site.kubeconfig))
    done = await asyncio.to_thread(type_holdfast, *arguments, *place)
    assert done.returncode == code, done.stderr
    return done.stdout


async def apart(app: SiteApp) -> None:
    """Git changes a and c, somebody changes b and c."""
    new = {name: config_map(name[0], color="green") for name in ("a.yaml", "c.yaml")}
    app.commit(new)
    await app.refresh()
    await app.until(lambda tree: differs(tree) == {"a": "behind", "c": "behind"})
    for name in ("b", "c"):
        await app.site.person.patch(app.place(name), {"data": {"color": "red"}})


async def test_behind_git_and_drifted_are_told_apart_also_after_a_restart(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.make("apart", FILES, policy={})
        await app.sync()
        await app.synced()
        await apart(app)
        wanted = {"a": "behind", "b": "drifted", "c": "both"}
        tree = await app.until(lambda tree: differs(tree) == wanted)
        assert tree["status"]["sync"]["status"] == "OutOfSync"
        assert not tree["status"].get("conditions")

        shown = await holdfast(site, "app", "get", app.name)
        assert "Behind git:         2 objects\nDrifted:            2 objects\n" in shown
        found = await holdfast(site, "app", "diff", app.name, code=1)
        assert f"===== /ConfigMap {app.namespace}/b ======\n(drifted)\n" in found
        assert f"===== /ConfigMap {app.namespace}/c ======\n(behind git, drifted)\n" in found
        assert "Drifted:            2 objects of 1 application" in await holdfast(site, "status")

        # The next process knows nothing but what the cluster and git say.
        await asyncio.to_thread(site.process.kill)
        annotations = {"metadata": {"annotations": {"holdfast.dev/differs": None}}}
        await app.patch(annotations)
        site.process = start(plane.kubeconfig, tmp_path, site.control)
        await asyncio.to_thread(site.process.is_leading)
        await app.until(lambda tree: differs(tree) == wanted)

        # Somebody puts b back: one cause is gone, the other stays.
        for name in ("b", "c"):
            await site.person.patch(app.place(name), {"data": {"color": "blue"}})
        await app.until(lambda tree: differs(tree) == {"a": "behind", "c": "behind"})
        await app.sync()
        tree = await app.synced()
        assert "holdfast.dev/differs" not in tree["metadata"].get("annotations", {})


async def test_a_deleted_object_drifted_and_one_that_git_dropped_is_behind(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.make("gone", FILES, policy={})
        await app.sync()
        await app.synced()
        await site.person.delete(app.place("a"))
        await app.until(lambda tree: differs(tree) == {"a": "drifted"})
        app.commit({"b.yaml": None, "new.yaml": config_map("new")})
        await app.refresh()
        wanted = {"a": "drifted", "b": "behind", "new": "behind"}
        await app.until(lambda tree: differs(tree) == wanted)


async def test_what_is_healed_at_once_leaves_no_annotation(plane: AnyPlane, tmp_path: Path) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.deploy("healed", FILES)
        await site.person.patch(app.place("a"), {"data": {"color": "red"}})

        async def is_blue() -> bool:
            found = await site.person.get(app.place("a"))
            return bool(found["data"]["color"] == "blue")

        await eventually(is_blue)
        tree = await app.synced()
        assert differs(tree) == {}


async def test_what_was_handed_over_is_behind_git_and_has_not_drifted(
    plane: AnyPlane, tmp_path: Path
) -> None:
    """Also for the next process, without its file of hints, and for one that only observes."""
    files = {
        "a.yaml": config_map("a", color="blue"),
        "web.json": json.dumps(d.deployment(replicas=0)),
        "service.json": json.dumps(d.service()),
    }
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await site.make("over", files, policy={})
        await app.sync()
        await app.synced()
        said = await holdfast(site, "handover", app.name)
        assert said.count("handed over") == len(files), said
        journal = ("--journal", str(tmp_path / "data" / "journal.db"))
        assert app.name not in await holdfast(site, "drift", "list", "--open", *journal)

        app.commit(
            {
                "a.yaml": config_map("a", color="green"),
                "web.json": json.dumps(d.deployment(replicas=0, revisionHistoryLimit=4)),
            }
        )
        await app.refresh()
        wanted = {"a": "behind", "web": "behind"}
        await app.until(lambda tree: differs(tree) == wanted)

        for is_forgetful in (False, True):
            await asyncio.to_thread(site.process.stop)
            if is_forgetful:
                for path in (tmp_path / "data").glob("*.hints"):
                    path.unlink()
            await app.patch({"metadata": {"annotations": {"holdfast.dev/differs": None}}})
            site.process = start(plane.kubeconfig, tmp_path, site.control)
            await asyncio.to_thread(site.process.is_leading)
            await app.until(lambda tree: differs(tree) == wanted)

        await asyncio.to_thread(site.process.stop)
        observing = ("--observe", "--metrics-listen", "127.0.0.1:0")
        site.process = start(plane.kubeconfig, tmp_path, site.control, *observing)
        await asyncio.to_thread(site.process.wait_for, OBSERVING)
        address = (await asyncio.to_thread(site.process.wait_for, r"metrics=(127\S+)"))[1]

        async def counts(behind: int, drifted: int) -> bool:
            said = await asyncio.to_thread(scrape, address)
            wanted = {f"holdfast_apps_behind {behind}.0", f"holdfast_apps_drifted {drifted}.0"}
            return wanted <= set(said.splitlines())

        await eventually(partial(counts, 1, 0))
        await site.person.patch(app.place("a"), {"data": {"color": "red"}})
        await eventually(partial(counts, 1, 1))


def scrape(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        return str(response.read().decode())
