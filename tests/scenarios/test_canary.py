"""Canaries: secrets are planted wherever Holdfast reads any, and must be found nowhere.

Everything that can be read is read: logs, the journal, events, statuses, metrics, every GET row of
the API, the streams, and every page that a link leads to.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import orjson
import pytest

from holdfast.api.routes.table import all_routes
from tests.support.person import Ref
from tests.support.person_online import signed_in_online
from tests.support.site import at_work, config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import aiohttp

    from holdfast.api.table import Route
    from tests.support.person_online import Online
    from tests.support.sandbox import AnyPlane
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
LABEL = "argocd.argoproj.io/secret-type"
MOST_PAGES = 120
MOST_QUERIES = 4
BAIT = "this-is-no-secret-and-must-be-seen"
_LINK = re.compile(rb'(?:href|data-[a-z-]+|action)="(/[^"#]*)')
_WHERE = re.compile(r"\{[^{}]*\}")
pytestmark = pytest.mark.timeout(180)


class Canaries:
    """Secrets that nobody may see, each known by where it was planted."""

    def __init__(self) -> None:
        self._planted: dict[str, str] = {}

    def new(self, where: str) -> str:
        value = f"canary{uuid.uuid4().hex}"
        self._planted[where] = value
        return value

    def found_in(self, content: bytes) -> list[str]:
        """Where those were planted that stand in this, plainly or in base64."""
        found = []
        for where, value in self._planted.items():
            # In a longer text base64 begins at one of three places; the middle is the same.
            coded = [base64.b64encode(b"x" * n + value.encode())[4:-4] for n in range(3)]
            if any(form in content for form in (value.encode(), *coded)):
                found.append(where)
        return found


def secret(name: str, **data: str) -> str:
    return json.dumps({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        "stringData": {f"{key}-text": value for key, value in data.items()},
    })  # fmt: skip


async def keep_secret(site: Site, name: str, kind: str, data: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": site.control, "labels": {LABEL: kind}}
    await site.person.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    )


async def plant(site: Site, canaries: Canaries) -> tuple[SiteApp, SiteApp]:
    """Plants them all; returns an Application that works and one whose repository does not."""
    far = "https://127.0.0.1:9/team/private.git"
    await keep_secret(site, "repo", "repository", {
        "url": far, "username": "robot", "password": canaries.new("password of a repository"),
    })  # fmt: skip
    await keep_secret(site, "creds", "repo-creds", {
        "url": "https://127.0.0.1:9/other", "bearerToken": canaries.new("token of credentials"),
        "sshPrivateKey": canaries.new("ssh key of credentials"),
    })  # fmt: skip
    config = {
        "bearerToken": canaries.new("token of a cluster"),
        "tlsClientConfig": {"keyData": canaries.new("key of a cluster")},
        "password": canaries.new("password of a cluster"),
    }
    await keep_secret(site, "cluster", "cluster", {
        "name": "far", "server": "https://127.0.0.1:9", "config": json.dumps(config),
    })  # fmt: skip
    lost = await site.make("lost", {"a.json": secret("a")}, source={"repoURL": far})
    files = {"db.json": secret("db", key=canaries.new("first in git")),
             "open.yaml": config_map("open", key=BAIT)}  # fmt: skip
    app = await site.deploy("vault", files)
    # A person edits it, kubectl remembers all of it, and it is put back.
    edited = canaries.new("edited by a person")
    last = canaries.new("kubectl's last-applied")
    await site.person.patch(app.place("db", "Secret"), {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": last}},
        "data": {"key": base64.b64encode(edited.encode()).decode(),
                 "more": base64.b64encode(canaries.new("added by a person").encode()).decode()},
    })  # fmt: skip
    mark = base64.b64encode(edited.encode()).decode()

    async def is_healed() -> bool:
        return bool((await site.person.get(app.place("db", "Secret")))["data"]["key"] != mark)

    await eventually(is_healed)
    # Git moves on, and the object waits in a sync that fails.
    app.commit({"db.json": secret("db", key=canaries.new("second in git")),
                "bad.json": secret("Not/A/Name", key=canaries.new("in a manifest that is refused")),
                "no.yaml": f"apiVersion: v1\nkind: Secret\nstringData: [{canaries.new('in a file that is no object')}\n"})  # noqa: E501  # fmt: skip
    await app.refresh()
    await app.until(lambda tree: tree["status"].get("conditions"))
    await lost.until(lambda tree: tree.get("status", {}).get("conditions"))
    return app, lost


def fill(route: Route, app: SiteApp, episodes: list[str]) -> Iterator[str]:
    """Yields the paths to ask a GET row with."""
    known = (
        ("/applications/{name}", app.name), ("/projects/{name}", "default"),
        ("/account/{name}", "admin"), ("/clusters/{id}", quote("https://127.0.0.1:9", safe="")),
        ("/repositories/{repo}", quote("https://127.0.0.1:9/team/private.git", safe="")),
        ("{revision}", app.sha),
    )  # fmt: skip
    path = route.path.replace(":rest}", "}")
    for pattern, value in known:
        path = path.replace(pattern, _WHERE.sub(value, pattern))
    values = episodes if "/drift/{id}" in path else ["x"]
    about = f"kind=Secret&version=v1&namespace={app.namespace}&resourceName=db&name=db"
    for value in values:
        filled = _WHERE.sub(value, path)
        yield filled
        if f"/applications/{app.name}/" in filled and not route.is_ours:
            yield f"{filled}?{about}"


async def read_api(online: Online, app: SiteApp) -> None:
    async def told() -> list[str]:
        _, content = await online.send("GET", "/api/holdfast/v1/drift")
        return [item["id"] for item in orjson.loads(content)["items"]]

    episodes = await eventually(told)  # the journal is written beside the heal
    good = 0
    for route in all_routes():
        if route.method != "GET":
            continue
        for path in fill(route, app, episodes):
            if route.streams:
                await online.listen(path)
            else:
                good += (await online.send("GET", path))[0] == 200
    assert good > 40, "most rows answer"
    assert b'"db"' in online.heard[f"GET /api/v1/applications/{app.name}/managed-resources"]


async def write_api(online: Online, app: SiteApp) -> None:
    """Asks for what answers with an object or a plan: of these rows, too, nothing may be told."""
    one, ours = f"/api/v1/applications/{app.name}", f"/api/holdfast/v1/applications/{app.name}"
    about = f"kind=Secret&version=v1&namespace={app.namespace}&resourceName=db"
    secret = [{"group": "", "kind": "Secret", "namespace": app.namespace, "name": "db"}]
    patch = '{"metadata": {"labels": {"seen": "yes"}}}'
    far = quote("https://127.0.0.1:9/team/private.git", safe="")
    asked: tuple[tuple[str, str, Any, int], ...] = (
        ("POST", f"{ours}/adopt/plan?project=default", {}, 200),
        ("POST", f"{ours}/adopt/plan", {"resources": secret}, 200),
        ("POST", f"{ours}/handover", {"dryRun": True}, 200),
        ("POST", f"{one}/resource?{about}&patchType=application/merge-patch%2Bjson", patch, 200),
        ("POST", f"{one}/resource?{about}&patchType=application/merge-patch%2Bjson&again=yes",
         '{"data": {"key": 7}}', 400),
        ("POST", f"{one}/sync", {"dryRun": True, "revision": app.sha}, 200),
        ("PUT", f"/api/v1/repositories/{far}", {"name": "other"}, 400),
        ("POST", "/api/v1/repositories?upsert=true", {"repo": unquote(far)}, 400),
        ("PUT", f"/api/v1/clusters/{quote('https://127.0.0.1:9', safe='')}?updatedFields=name",
         {"server": "https://127.0.0.1:9", "name": "further"}, 200),
    )  # fmt: skip
    seen = {}
    for method, path, body, status in asked:
        found, _ = await online.send(method, path, body)
        if found != status:
            seen[f"{method} {path}"] = (found, status, online.heard.get(f"{method} {path}"))
    assert seen == {}
    patched = online.heard[next(f"POST {path}" for _, path, body, _ in asked if body == patch)]
    assert b"++++" in patched, "the object is told, with its values masked"


async def read_pages(online: Online, app: SiteApp) -> None:
    """Follows every link, those to the Application first; of each path a few queries are enough."""
    waiting, seen = {f"/applications/{app.name}", "/applications", "/settings"}, set[str]()
    queries: Counter[str] = Counter()
    while waiting and len(seen) < MOST_PAGES:
        path = min(waiting, key=lambda link: (app.name not in link, link))
        waiting.discard(path)
        seen.add(path)
        bare = path.partition("?")[0]
        queries[bare] += 1
        most = MOST_QUERIES if app.name not in bare else 10 * MOST_QUERIES
        if bare.startswith(("/auth/", "/static/", "/api/")) or queries[bare] > most:
            continue
        status, content = await online.send("GET", path, Accept="text/html")
        if status == 200:
            links = {html.unescape(link.decode()) for link in _LINK.findall(content)}
            waiting |= links - seen
    screens = [path for path in seen if app.name in path]
    assert len(screens) > 8, f"the screens of an Application are among {sorted(seen)}"


async def read_metrics(site: Site, session: aiohttp.ClientSession) -> bytes:
    address = site.process.wait_for(r"metrics=(127\.\S+)")[1]
    async with session.get(f"http://{address}/metrics") as answer:
        return await answer.read()


async def test_planted_secrets_are_found_nowhere(plane: AnyPlane, tmp_path: Path) -> None:
    canaries = Canaries()
    options = ("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-level", "debug")
    async with at_work(plane.kubeconfig, tmp_path, *options) as site:
        base = "http://" + site.process.wait_for(r"listening address=(\S+)")[1]
        async with signed_in_online(site.person, site.control, base) as online:
            app, lost = await plant(site, canaries)
            await read_api(online, app)
            await write_api(online, app)
            await read_pages(online, app)
            heard = dict(online.heard)
            heard["metrics"] = await read_metrics(site, online.session)
            assert b'argocd_login_request_total{status="success"}' in heard["metrics"]
            for each in (app, lost):
                heard[f"status of {each.name}"] = orjson.dumps(await each.tree())
            for namespace in (site.control, app.namespace):
                events = Ref("v1", "Event", namespace, "x").collection
                heard[f"events in {namespace}"] = orjson.dumps(
                    (await site.person.send("GET", events)).body
                )
        heard["log"] = site.process.text.encode()
        for file in (tmp_path / "data").glob("journal*"):
            heard[file.name] = await asyncio.to_thread(file.read_bytes)
    assert "journal.db" in heard
    baited = [where for where, said in heard.items() if BAIT.encode() in said]
    assert any("/api/v1/" in where for where in baited), "the API was read"
    assert any("GET /applications" in where for where in baited), "the pages were read"
    leaks = [(where, canary) for where, said in heard.items() for canary in canaries.found_in(said)]
    assert leaks == []
