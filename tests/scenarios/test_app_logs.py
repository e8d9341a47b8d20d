"""`holdfast app logs`: several pods, merged, followed and chosen from, through the command line.

On the real control plane kwok plays the kubelet: what containers named printer-a … print stands in
files. The sandbox runs no containers, and says so.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.loaded import type_holdfast
from tests.support.plant import only_real
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.person import Ref
    from tests.support.plane import RealPlane
    from tests.support.site import Site, SiteApp

_NOW = datetime.now(UTC).replace(microsecond=0)


def deployment(name: str, container: str, replicas: int = 1) -> str:
    """A Deployment as YAML."""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n"
        f"  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n"
        f"    metadata: {{labels: {{app: {name}}}}}\n"
        f"    spec: {{containers: [{{name: {container}, image: 'printer:1'}}]}}\n"
    )


@dataclass
class Desk:
    """A person who reads logs of one Application."""

    site: Site
    app: SiteApp

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "KUBECONFIG": str(self.site.kubeconfig),
            "HOLDFAST_NAMESPACE": self.site.control,
        }

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """Type `holdfast app logs …`."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "holdfast", "app", "logs", self.app.name, *words,
            env=self.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def read(self, *words: str, code: int = 0) -> tuple[list[str], str]:
        """Type it, wait for its end; return lines and what is on stderr."""
        done = await asyncio.to_thread(
            type_holdfast, "app", "logs", self.app.name, *words, env=self.environ
        )
        assert done.returncode == code, done.stderr
        return done.stdout.splitlines(), done.stderr


@asynccontextmanager
async def following(desk: Desk, *words: str) -> AsyncIterator[asyncio.StreamReader]:
    """`holdfast app logs --follow`, ended by Ctrl-C; it must end within seconds."""
    process = await desk.start("--follow", *words)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.send_signal(2)
        await asyncio.wait_for(process.communicate(), 20)


async def next_line(stream: asyncio.StreamReader) -> str:
    return (await asyncio.wait_for(stream.readline(), 30)).decode().rstrip("\n")


def prints(plane: RealPlane, printer: str, *lines: tuple[float, str]) -> None:
    """Lets a container print; seconds count from the start of this test run."""
    with plane.log_of(printer).open("a") as file:
        for seconds, text in lines:
            at = (_NOW + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
            file.write(f"{at.replace('+00:00', '000000Z')} stdout F {text}\n")


async def runs(site: Site, deployment: Ref) -> None:
    """Waits until a Deployment's only pod is ready."""

    async def is_ready() -> bool:
        status = (await site.person.get(deployment)).get("status", {})
        return bool(status.get("readyReplicas") == 1)

    await eventually(is_ready, seconds=60)


@pytest.fixture
async def desk(site: Site, real_plane: RealPlane) -> Desk:
    """Two Deployments whose pods run, and what they printed so far."""
    app = await site.deploy(
        "logs",
        {"a.yaml": deployment("ay", "printer-a"), "b.yaml": deployment("bee", "printer-b")},
    )
    for name in ("ay", "bee"):
        await runs(site, app.place(name, "Deployment", "apps/v1"))
    for printer in ("printer-a", "printer-b"):
        real_plane.log_of(printer).write_text("")
    prints(real_plane, "printer-a", (-50, "a started"), (-30, "GET /a"), (-10, "a last"))
    prints(real_plane, "printer-b", (-40, "b started"), (-20, "get /b"))
    return Desk(site, app)


@only_real
async def test_lines_of_all_pods_are_merged_by_time(desk: Desk) -> None:
    lines, err = await desk.read()
    assert lines == ["a started", "b started", "GET /a", "get /b", "a last"]
    assert err == ""


@only_real
async def test_every_flag_chooses(desk: Desk, real_plane: RealPlane) -> None:
    prints(real_plane, "printer-a.previous", (-100, "a before"))
    until = (_NOW - timedelta(seconds=25)).isoformat()
    table: list[tuple[tuple[str, ...], list[str]]] = [
        (("--kind", "Deployment", "--name", "bee"), ["b started", "get /b"]),
        (("--group", "apps", "--name", "ay", "--tail", "1"), ["a last"]),
        (("--namespace", desk.app.namespace, "-c", "printer-b"), ["b started", "get /b"]),
        (("--tail", "1"), ["get /b", "a last"]),
        (("--filter", "get"), ["GET /a", "get /b"]),
        (("--filter", "get", "-m"), ["get /b"]),
        (("--filter", "!get"), ["a started", "b started", "a last"]),
        (("--until-time", until), ["a started", "b started", "GET /a"]),
        (("--previous", "-c", "printer-a"), ["a before"]),
        (("--since-seconds", "86400"), ["a started", "b started", "GET /a", "get /b", "a last"]),
    ]
    for words, expected in table:
        assert (words, (await desk.read(*words))[0]) == (words, expected)


@only_real
async def test_following_tells_what_any_pod_prints(desk: Desk, real_plane: RealPlane) -> None:
    async with following(desk, "--tail", "1") as stream:
        assert [await next_line(stream) for _ in range(2)] == ["get /b", "a last"]
        prints(real_plane, "printer-b", (1, "b goes on"))
        assert await next_line(stream) == "b goes on"
        prints(real_plane, "printer-a", (2, "a goes on"))
        assert await next_line(stream) == "a goes on"
        prints(real_plane, "printer-b", (3, "b again"))
        assert await next_line(stream) == "b again"


@only_real
async def test_a_pod_or_container_that_is_not_there_is_said(desk: Desk) -> None:
    _, err = await desk.read("--kind", "Deployment", "--name", "nobody", code=20)
    assert f"HF3009 {desk.site.control}/{desk.app.name}: the application has no pod" in err
    _, err = await desk.read("-c", "nobody", code=20)
    assert "hint: there are: printer-a, printer-b" in err
    _, err = await desk.read("--kind", "ConfigMap", code=20)
    assert f"hint: `holdfast app resources {desk.app.name}" in err


@pytest.mark.parametrize("plant", ["sandbox"], indirect=True)
async def test_the_sandbox_says_that_it_runs_no_containers(site: Site) -> None:
    app = await site.deploy("logs", {"a.yaml": deployment("ay", "main")})
    desk = Desk(site, app)

    async def has_pod() -> bool:
        listed = await site.person.send("GET", f"/api/v1/namespaces/{app.namespace}/pods")
        return bool(listed.tree["items"])

    await eventually(has_pod)
    lines, err = await desk.read(code=20)
    assert lines == []
    assert "running containers that print logs" in err
