"""A controller that reaches its cluster over a network that fails; the person reaches it directly.

async with through_a_bad_network(kubeconfig, folder) as (site, proxy):
    proxy.is_away = True
    proxy.cut_all()
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from holdfast.cluster.kubeconfig import find_access
from tests.support.kube import Answer, Proxy
from tests.support.person import Person
from tests.support.site import Site, SiteApp, new_control, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Tree = dict[str, Any]

TOO_MANY = Answer(
    429,
    json.dumps(
        {"kind": "Status", "status": "Failure", "reason": "TooManyRequests", "code": 429}
    ).encode(),
    (("Retry-After", "1"),),
)
"""What an API server says that is asked too much: come back in a second."""


# A kind of which nobody else has hundreds: the list after an outage is short.
POD_TEMPLATE = """\
apiVersion: v1
kind: PodTemplate
metadata: {name: web}
template:
  spec:
    containers: [{name: c, image: "registry.example/c:1"}]
"""


def behind(proxy: Proxy, kubeconfig: Path, folder: Path) -> Path:
    """A kubeconfig whose server is the proxy."""
    tree = json.loads(kubeconfig.read_text())
    tree["clusters"][0]["cluster"] = {"server": proxy.access.server}
    file = folder / "kubeconfig"
    file.write_text(json.dumps(tree))
    return file


@contextlib.asynccontextmanager
async def through_a_bad_network(
    kubeconfig: Path, folder: Path
) -> AsyncIterator[tuple[Site, Proxy]]:
    """Runs a controller behind a proxy until the block ends."""
    access = await asyncio.to_thread(find_access, kubeconfig, environ={})
    async with Proxy(access) as proxy, Person(kubeconfig) as person:
        control = new_control()
        process = start(behind(proxy, kubeconfig, folder), folder, control)
        try:
            await asyncio.to_thread(process.is_leading)
            site = Site(kubeconfig, folder, control, person, process)
            yield site, proxy
            await site.clean_up()
            await person.leave(control)
        finally:
            await asyncio.to_thread(process.kill)


async def is_back(
    app: SiteApp, name: str, uid: str, *, kind: str = "ConfigMap", seconds: float = 20.0
) -> Tree:
    """Waits until an object is there again, with another uid."""

    async def look() -> Tree:
        found = await app.site.person.find(app.place(name, kind))
        return found if found is not None and found["metadata"]["uid"] != uid else {}

    return await eventually(look, seconds=seconds, explain=app.status)


async def has_data(app: SiteApp, name: str, data: Tree, *, seconds: float = 20.0) -> Tree:
    """Waits until a ConfigMap holds this again."""

    async def look() -> Tree:
        found = await app.site.person.find(app.place(name))
        return found if found is not None and found.get("data") == data else {}

    return await eventually(look, seconds=seconds, explain=app.status)
