"""Webhooks: who is believed, what is refreshed, what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest

from holdfast.api.push_matching import repository_key
from tests.support.api import ApiWorld, Reply
from tests.unit.requests.given import app

Tree = dict[str, Any]
HOOK = "/api/webhook"
REPO = "https://git.example/team/apps"


def deployed(name: str, revision: str = "main", paths: str = "", url: str = REPO) -> Tree:
    annotations = {"argocd.argoproj.io/manifest-generate-paths": paths} if paths else {}
    source = {"repoURL": url, "path": f"apps/{name}", "targetRevision": revision}
    metadata = {"name": name, "namespace": "argocd", "annotations": annotations}
    return app({"source": source}, metadata=metadata)


def push(ref: str = "refs/heads/main", *changed: str) -> Tree:
    repository = {"html_url": REPO, "clone_url": f"{REPO}.git", "default_branch": "main"}
    return {"ref": ref, "repository": repository, "commits": [{"modified": list(changed)}]}


async def sent(world: ApiWorld, payload: Any, **headers: str) -> Reply:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return await world.client.as_("").send("POST", HOOK, body, headers)


def refreshed(world: ApiWorld) -> list[str]:
    return sorted(
        tree["metadata"]["name"]
        for tree in world.applications.all()
        if "argocd.argoproj.io/refresh" in (tree["metadata"].get("annotations") or {})
    )


async def test_a_push_refreshes_only_what_it_is_about() -> None:
    world = ApiWorld(
        deployed("a"),
        deployed("b", "v1"),
        deployed("c", paths="."),
        deployed("d", paths="/shared;."),
        deployed("e", "HEAD"),
        deployed("f", url="https://git.example/team/other"),
        deployed("g", url="git@git.example:team/apps.git"),
        deployed("h", "refs/heads/main"),
        deployed("i", paths="../*/values.yaml"),
    )
    reply = await sent(world, push("refs/heads/main", "shared/x.yaml"), x_github_event="push")
    assert (reply.status, reply.body) == (200, b"")
    assert refreshed(world) == ["a", "d", "e", "g", "h"]


async def test_a_push_to_another_branch_leaves_head_alone() -> None:
    world = ApiWorld(deployed("a", "HEAD"), deployed("b", "dev"), deployed("c", "^1.0"))
    await sent(world, push("refs/heads/dev"), x_github_event="push")
    assert refreshed(world) == ["b", "c"]


def signed(payload: Tree, secret: str) -> str:
    return hmac.new(secret.encode(), orjson.dumps(payload), hashlib.sha256).hexdigest()


GITLAB = {"object_kind": "push", "ref": "refs/heads/main", "commits": [],
          "project": {"web_url": REPO, "default_branch": "main"}}  # fmt: skip
BITBUCKET = {"repository": {"links": {"html": {"href": REPO}}},
             "push": {"changes": [{"new": {"name": "main"}}, {"new": None}]}}  # fmt: skip
SERVER = {"repository": {"links": {"clone": [{"href": f"{REPO}.git"}]}},
          "changes": [{"ref": {"id": "refs/heads/main"}}]}  # fmt: skip
AZURE = {"eventType": "git.push",
         "resource": {"repository": {"remoteUrl": REPO, "defaultBranch": "refs/heads/main"},
                      "refUpdates": [{"name": "refs/heads/main"}]}}  # fmt: skip
PASSWORD = base64.b64encode(b"me:s3cret").decode()


@pytest.mark.parametrize(
    ("payload", "headers", "secrets"),
    [
        (
            push(),
            {"x_github_event": "push", "x_hub_signature_256": f"sha256={signed(push(), 's')}"},
            {"webhook.github.secret": "s"},
        ),
        (
            push(),
            {"x_gogs_event": "push", "x_gogs_signature": signed(push(), "s")},
            {"webhook.gogs.secret": "s"},
        ),
        (
            GITLAB,
            {"x_gitlab_event": "Push Hook", "x_gitlab_token": "s"},
            {"webhook.gitlab.secret": "s"},
        ),
        (BITBUCKET, {"x_hook_uuid": "s"}, {"webhook.bitbucket.uuid": "s"}),
        (
            SERVER,
            {
                "x_event_key": "repo:refs_changed",
                "x_hub_signature": f"sha256={signed(SERVER, 's')}",
            },
            {"webhook.bitbucketserver.secret": "s"},
        ),
        (
            AZURE,
            {"x_vss_activityid": "1", "authorization": f"Basic {PASSWORD}"},
            {"webhook.azuredevops.username": "me", "webhook.azuredevops.password": "s3cret"},
        ),
    ],
)
async def test_each_host_is_believed_with_its_secret_and_refused_without(
    payload: Tree, headers: dict[str, str], secrets: dict[str, str]
) -> None:
    believed = ApiWorld(deployed("a"))
    believed.settings.hidden.update(secrets)
    assert (await sent(believed, payload, **headers)).status == 200
    assert refreshed(believed) == ["a"]
    wrong = ApiWorld(deployed("a"))
    wrong.settings.hidden.update({key: f"{value}x" for key, value in secrets.items()})
    reply = await sent(wrong, payload, **headers)
    assert reply.status == 400
    assert reply.body.startswith(b"Webhook processing failed")
    assert refreshed(wrong) == []
    # Without any secret, as Argo CD does: nothing is verified.
    assert (await sent(ApiWorld(), payload, **headers)).status == 200


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        (push(), {}),
        (push(), {"x_github_event": "issues"}),
        (b"{", {"x_github_event": "push"}),
        (b"[]", {"x_github_event": "push"}),
        (b"{}", {"x_github_event": "push"}),
        (b'{"ref": 3, "repository": {}}', {"x_github_event": "push"}),
        (b'{"project": []}', {"x_gitlab_event": "Push Hook"}),
        (b'{"eventType": "other"}', {"x_vss_activityid": "1"}),
        (b"null", {"x_hook_uuid": "1"}),
    ],
)
async def test_what_cannot_be_read_is_refused_with_400(
    payload: Any, headers: dict[str, str]
) -> None:
    assert (await sent(ApiWorld(), payload, **headers)).status in (200, 400)
    assert refreshed(ApiWorld()) == []


async def test_pushes_are_counted_by_the_repositories_that_somebody_deploys_from() -> None:
    told: list[tuple[str, str]] = []
    world = ApiWorld(deployed("a", "HEAD"), deployed("b", url="git@git.example:team/apps.git"))
    world.services.news._count = lambda what, of_it: told.append((what, of_it))
    for payload in (push("refs/heads/none"), push()):
        await sent(world, payload, x_github_event="push")
    strange = {**push(), "repository": {"html_url": "https://made.up/123", "default_branch": "x"}}
    await sent(world, strange, x_github_event="push")
    await sent(world, b"{", x_github_event="push")
    await sent(world, push(), x_github_event="ping")
    counted = [of_it for what, of_it in told if what == "push"]
    assert counted == ["git.example/team/apps", "git.example/team/apps", ""]
    # Each one that began has ended.
    assert [of_it for what, of_it in told if what == "handling"] == ["1", "0"] * 4


async def test_size_and_rate_are_limited() -> None:
    world = ApiWorld()
    world.settings.texts["webhook.maxPayloadSizeMB"] = "1"
    reply = await sent(world, b" " * (1024 * 1024 + 1), x_github_event="push")
    assert (reply.status, b"1 MB" in reply.body) == (400, True)
    seen = {(await sent(world, b"{}", x_github_event="ping")).status for _ in range(250)}
    assert seen == {200, 429}


async def test_only_post_is_known() -> None:
    assert (await ApiWorld().client.get(HOOK)).status == 405


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/Team/Apps.git",
        "http://user:pw@git.example:8443/team/apps",
        "git@git.example:team/apps.git",
        "ssh://git@ssh.git.example:22/team/apps/",
    ],
)
def test_a_repository_is_known_however_it_is_written(url: str) -> None:
    assert repository_key(url) == ("git.example", "team/apps")


@pytest.mark.parametrize("url", ["", "x", "https://[bad", "file:///srv/x"])
def test_what_is_no_address_is_no_repository(url: str) -> None:
    assert repository_key(url) is None


async def test_the_badge_shows_health_and_sync_and_escapes_names() -> None:
    tree = deployed("a")
    tree["status"] = {
        "health": {"status": "Degraded"},
        "sync": {"status": "OutOfSync", "revision": "<script>" + "a" * 32},
    }
    world = ApiWorld(tree)
    off = await world.client.as_("").get("/api/badge?name=a")
    assert (b"Degraded" in off.body, off.body.count(b">Unknown<")) == (False, 2)
    world.settings.texts["statusbadge.enabled"] = "true"
    path = "/api/badge?name=a&revision=true&keepFullRevision=true&showAppName=true"
    reply = await world.client.as_("").get(path)
    assert reply.headers["content-type"].startswith("image/svg+xml")
    assert reply.headers["cache-control"] == "private, no-store"
    assert b"Degraded" in reply.body
    assert b"rgb(189,115,0)" in reply.body
    assert b"<script>" not in reply.body
    assert b"Not Found" in (await world.client.get("/api/badge?name=b")).body
    assert b"Degraded" in (await world.client.get("/api/badge?project=default")).body
    for wrong in ("name=%3Cx%3E", "project=A_B", "name=a&namespace=..%2f", "width=-1"):
        assert (await world.client.get(f"/api/badge?{wrong}")).status == 400
