"""Rows of docs/internals/argocd/api.md §1.5 on both planes: allowed, refused, without a token.

`ApiClient` checks the shape of every answer against its row. Sign-in is a name in the token here;
the real one is in `test_api_sign_in`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest

from holdfast.api.server import ApiServer
from holdfast.assembly.front import front_application
from holdfast.assembly.front_settings import FrontSettings
from tests.support.api import ApiClient, NamedSignIn, RuleRoles
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
V1, OURS = "/api/v1", "/api/holdfast/v1"
HERE = quote("https://kubernetes.default.svc", safe="")
pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[ApiClient]:
    """The whole API on the plane; `admin` may do everything, `bob` nothing."""
    settings = FrontSettings(
        kubeconfig=str(site.kubeconfig),
        namespace=site.control,
        journal="off",
        allow_local_repos=(str(site.folder),),
        auth_disabled=True,
    )
    async with front_application(settings) as application:
        assert isinstance(application, ApiServer)
        services = replace(application._services, sign_in=NamedSignIn(), roles=RuleRoles())
        rows = application.table.routes
        yield ApiClient(ApiServer(rows, services, application._page), "admin")


def rows(app: SiteApp) -> list[tuple[str, str, Any, int, int]]:
    """`(method, path, body, status for admin, status for bob)`; what changes things is last."""
    one = f"{V1}/applications/{app.name}"
    at = f"kind=ConfigMap&version=v1&namespace={app.namespace}&resourceName=settings"
    merge = "patchType=application/merge-patch%2Bjson"
    patch = orjson.dumps('{"metadata": {"labels": {"seen": "yes"}}}')
    spec_patch = {"patch": '{"metadata": {"labels": {"a": "b"}}}', "patchType": "merge"}
    project = {"project": {"metadata": {"name": "routes"}, "spec": {"description": "x"}}}
    return [
        ("GET", f"{V1}/applications", None, 200, 200),
        ("GET", one, None, 200, 403),
        ("GET", f"{V1}/applications/nothing", None, 403, 403),
        ("GET", f"{V1}/applications/nothing?project=default", None, 404, 403),
        ("GET", f"{one}/manifests", None, 200, 403),
        ("GET", f"{one}/resource-tree", None, 200, 403),
        ("GET", f"{one}/managed-resources", None, 200, 403),
        ("GET", f"{one}/events", None, 200, 403),
        ("GET", f"{one}/resource?{at}", None, 200, 403),
        ("GET", f"{one}/resource?{at}x", None, 400, 403),
        ("GET", f"{one}/resource/actions?{at}", None, 200, 403),
        ("GET", f"{one}/resource/links?{at}", None, 200, 403),
        ("GET", f"{one}/links", None, 200, 403),
        ("GET", f"{one}/syncwindows", None, 200, 403),
        ("GET", f"{one}/revisions/{app.sha}/metadata", None, 200, 403),
        ("GET", f"{one}/revisions/{app.sha}/chartdetails", None, 501, 403),
        ("GET", f"{V1}/projects", None, 200, 200),
        ("GET", f"{V1}/projects/default", None, 200, 403),
        ("GET", f"{V1}/projects/default/detailed", None, 200, 403),
        ("GET", f"{V1}/projects/default/globalprojects", None, 200, 403),
        ("GET", f"{V1}/projects/default/events", None, 200, 403),
        ("GET", f"{V1}/projects/default/links", None, 200, 403),
        ("GET", f"{V1}/projects/default/syncwindows", None, 200, 403),
        ("GET", f"{V1}/clusters", None, 200, 200),
        ("GET", f"{V1}/clusters/{HERE}", None, 200, 403),
        ("GET", f"{OURS}/status", None, 200, 200),
        ("GET", f"{OURS}/pauses", None, 200, 200),
        ("GET", f"{OURS}/applications/{app.name}/preview", None, 200, 403),
        ("GET", f"{OURS}/drift", None, 404, 404),
        ("POST", f"{V1}/projects", project, 200, 403),
        ("GET", f"{V1}/projects/routes", None, 200, 403),
        ("PUT", f"{V1}/projects/routes", project, 200, 403),
        ("DELETE", f"{V1}/projects/routes", None, 200, 403),
        ("POST", f"{one}/resource?{at}&{merge}", patch, 200, 403),
        ("POST", f"{one}/resource/actions?{at}", b'"restart"', 400, 403),
        ("PATCH", one, spec_patch, 200, 403),
        ("DELETE", f"{one}/operation", None, 400, 403),
        ("POST", f"{one}/rollback", {"id": 99}, 400, 403),
        ("POST", f"{one}/sync", {"dryRun": True}, 200, 403),
        ("DELETE", f"{one}/resource?{at}", None, 200, 403),
        ("DELETE", f"{one}?cascade=false", None, 200, 403),
    ]


async def test_each_row_answers_as_documented(site: Site) -> None:
    app = await site.deploy("routes", {"settings.yaml": config_map("settings", a="1")})
    wrong = []
    async with served(site) as admin:
        for method, path, body, allowed, refused in rows(app):
            for client, expected in ((admin.as_(""), 401), (admin.as_("bob"), refused),
                                     (admin, allowed)):  # fmt: skip
                reply = await client.send(method, path, body)
                if reply.status != expected:
                    said = reply.body[:300]
                    wrong.append((client.token, method, path, expected, reply.status, said))
    assert wrong == []


async def test_a_stream_follows_the_cluster(site: Site) -> None:
    app = await site.deploy("routes", {"settings.yaml": config_map("settings", a="1")})
    path = f"{V1}/stream/applications?name={app.name}"
    async with served(site) as admin, admin.stream(path) as messages:
        assert (await messages.result())["type"] == "ADDED"
        await app.patch({"metadata": {"labels": {"streamed": "yes"}}})
        while True:
            seen = (await messages.result())["application"]
            if (seen["metadata"].get("labels") or {}).get("streamed") == "yes":
                break
        async with admin.stream(f"{V1}/stream/applications/{app.name}/resource-tree") as trees:
            tree = await trees.result()
            assert [node["name"] for node in tree["nodes"]] == ["settings"]
