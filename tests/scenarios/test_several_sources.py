"""An Application of several sources through the command line, on both clusters: a day with it."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from typing import TYPE_CHECKING, Any

from tests.support.controlled import APPS
from tests.support.gitrepo import GitRepo
from tests.support.loaded import type_holdfast
from tests.support.person import Ref
from tests.support.site import config_map

if TYPE_CHECKING:
    from tests.support.site import Site

Tree = dict[str, Any]


class Desk:
    """A person with two repositories and one Application of both.

    Attributes:
        name: Of the Application.
        first, second: The repositories; the second is also there as the ref `values`.
    """

    def __init__(self, site: Site, namespace: str) -> None:
        self.site, self.namespace = site, namespace
        self.name = f"multi-{uuid.uuid4().hex[:6]}"
        self.first = GitRepo(site.folder / f"{self.name}-first")
        self.second = GitRepo(site.folder / f"{self.name}-second")

    async def run(self, *words: str, code: int = 0, stdin: str = "") -> str:
        """Type `holdfast app …` and expect an exit code; returns what was printed."""
        environ = {
            **os.environ,
            "KUBECONFIG": str(self.site.kubeconfig),
            "HOLDFAST_NAMESPACE": self.site.control,
        }
        done = await asyncio.to_thread(type_holdfast, "app", *words, env=environ, stdin=stdin)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if code in (0, 1) and not done.stderr else done.stderr

    async def create(self) -> None:
        """Create the Application from a file, by hand synced."""
        application = {
            "apiVersion": APPS,
            "kind": "Application",
            "metadata": {"name": self.name},
            "spec": {
                "project": "default",
                "destination": {
                    "server": "https://kubernetes.default.svc",
                    "namespace": self.namespace,
                },
                "sources": [
                    {"repoURL": self.first.url, "path": "app", "targetRevision": "main",
                     "name": "first"},
                    {"repoURL": self.second.url, "path": "extra", "targetRevision": "main",
                     "name": "second"},
                    {"repoURL": self.second.url, "targetRevision": "main", "ref": "values"},
                ],
            },
        }  # fmt: skip
        await self.run("create", "-f", "-", stdin=json.dumps(application))

    async def value(self, name: str) -> str:
        """What a ConfigMap holds in the cluster."""
        found = await self.site.person.get(Ref("v1", "ConfigMap", self.namespace, name))
        return str(found["data"]["v"])

    async def clean_up(self) -> None:
        """Remove the Application and what it made."""
        await self.run("delete", self.name, "--yes", "--wait")
        await self.site.person.delete(Ref("v1", "Namespace", "", self.namespace))


async def test_an_application_of_several_sources_is_synced_looked_at_and_rolled_back(
    site: Site,
) -> None:
    desk = Desk(site, await site.new_namespace())
    one = desk.first.commit({"app/one.yaml": config_map("one", v="1")})
    old = desk.second.commit({"extra/two.yaml": config_map("two", v="1")})
    await desk.create()

    shown = await desk.run("get", desk.name, "--refresh")
    assert f"Sources:\n- Repo:             {desk.first.url}\n" in shown
    assert "  Ref:              values\n" in shown
    synced = await desk.run("sync", desk.name, "--timeout", "40")
    assert f"Sync Revision:      {one}, {old}, {old}\n" in synced
    assert (await desk.value("one"), await desk.value("two")) == ("1", "1")

    # The second repository goes on; looking at it as it was shows no difference.
    new = desk.second.commit({"extra/two.yaml": config_map("two", v="2")})
    differs = await desk.run("diff", desk.name, code=1)
    assert f"===== /ConfigMap {desk.namespace}/two ======" in differs
    assert "/one ======" not in differs
    assert await desk.run("diff", desk.name, "--revisions", old, "--source-positions", "2") == ""
    was = await desk.run("manifests", desk.name, "--revisions", old, "--source-names", "second")
    assert was.count("---\n") == 2
    assert 'v: "2"' not in was
    refused = await desk.run(
        "manifests", desk.name, "--revisions", old, "--source-names", "nobody", code=1
    )
    assert 'the application has no source named "nobody"' in refused

    # One source is changed, never all of them by accident.
    ambiguous = await desk.run("set", desk.name, "--revision", old, code=1)
    assert "the application has several sources: give --source-position" in ambiguous

    await desk.run("sync", desk.name, "--timeout", "40")
    assert (await desk.value("one"), await desk.value("two")) == ("1", "2")
    history = await desk.run("history", desk.name)
    assert f"SOURCE  {desk.first.url}\n" in history
    assert f"SOURCE  {desk.second.url}\n" in history
    assert f"main ({old[:7]})" in history
    assert f"main ({new[:7]})" in history
    assert await desk.run("history", desk.name, "-o", "id") == "0\n1\n"

    back = await desk.run("rollback", desk.name, "0", "--timeout", "40")
    assert f"Sync Revision:      {one}, {old}, {old}\n" in back
    assert (await desk.value("one"), await desk.value("two")) == ("1", "1")

    # What the first source drops is pruned, what the second holds stays.
    desk.first.commit({"app/one.yaml": config_map("other", v="1")})
    await desk.run("sync", desk.name, "--prune", "--timeout", "40")
    assert await site.person.find(Ref("v1", "ConfigMap", desk.namespace, "one")) is None
    assert (await desk.value("other"), await desk.value("two")) == ("1", "2")
    await desk.clean_up()
