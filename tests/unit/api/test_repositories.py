"""Routes on repositories, credentials and trust: what comes back never signs in."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from holdfast.controller.requests.stored import fnv32a
from tests.support.api import ApiWorld
from tests.support.stored import values_of
from tests.unit.requests.given import app

Tree = dict[str, Any]
V1 = "/api/v1"
URL = "https://git.example/team/shop.git"
ONE = f"{V1}/repositories/{quote(URL, safe='')}"
CANARY = "canary-4711-secret"
HIDDEN = {
    "password": CANARY,
    "bearerToken": CANARY + "b",
    "sshPrivateKey": CANARY + "k",
    "tlsClientCertKey": CANARY + "t",
    "githubAppPrivateKey": CANARY + "g",
    "proxy": f"http://ann:{CANARY}@proxy:3128",
}


def secrets_of(world: ApiWorld) -> list[Tree]:
    return [tree for key, tree in world.cluster.objects.items() if key.kind == "Secret"]


async def test_a_repository_is_read_before_it_is_kept() -> None:
    world = ApiWorld(app())
    world.world.stored.private[URL] = "right"
    body = {"repo": URL, "username": "ann", "password": "wrong"}
    refused = await world.client.post(f"{V1}/repositories", body)
    assert refused.status == 400
    assert "cannot be read" in refused.message
    assert secrets_of(world) == []
    reply = await world.client.post(f"{V1}/repositories", {**body, "password": "right"})
    assert reply.json == {"repo": URL, "type": "git", "name": ""}
    (secret,) = secrets_of(world)
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert secret["metadata"]["annotations"] == {"managed-by": "argocd.argoproj.io"}
    assert secret["metadata"]["name"] == f"repo-{fnv32a(URL)}"
    assert fnv32a("hello") == 0x4F9F2CAB  # as published
    assert values_of(secret) == {"url": URL, "username": "ann", "password": "right"}


async def test_what_signs_in_is_never_told() -> None:
    world = ApiWorld()
    body = {"repo": URL, "username": "ann", **HIDDEN}
    replies = [
        await world.client.post(f"{V1}/repositories", body),
        await world.client.get(f"{V1}/repositories"),
        await world.client.get(ONE),
        await world.client.put(ONE, {**body, "name": "other"}),
        await world.client.post(f"{V1}/repocreds", {"url": "https://git.example/", **HIDDEN}),
        await world.client.get(f"{V1}/repocreds"),
        await world.client.post(f"{V1}/repositories", {**body, "depth": CANARY}),
        await world.client.post(f"{V1}/repositories", {**body, "password": "another"}),
    ]
    assert [reply.status for reply in replies] == [200, 200, 200, 200, 200, 200, 400, 400]
    for reply in replies:
        assert CANARY not in reply.body.decode()
    shown = replies[1].json["items"][0]
    assert shown["username"] == "ann"
    assert shown["connectionState"]["status"] == "Successful"
    assert shown["proxy"] == "http://***@proxy:3128"


async def test_an_existing_repository_changes_only_when_that_is_asked_for() -> None:
    world = ApiWorld()
    body = {"repo": URL, "username": "ann", "password": "one"}
    assert (await world.client.post(f"{V1}/repositories", body)).status == 200
    assert (await world.client.post(f"{V1}/repositories", body)).status == 200
    other = {**body, "username": "bob"}
    refused = await world.client.post(f"{V1}/repositories", other)
    assert refused.status == 400
    assert "use upsert flag to force update" in refused.message
    assert (await world.client.post(f"{V1}/repositories?upsert=true", other)).status == 200
    assert values_of(secrets_of(world)[0])["username"] == "bob"
    changed = await world.client.put(ONE, {"repo": URL, "name": "shop"})
    assert changed.json["name"] == "shop"
    kept = values_of(secrets_of(world)[0])
    assert kept == {"url": URL, "password": "one", "name": "shop"}
    assert (await world.client.delete(ONE)).json == {}
    assert secrets_of(world) == []
    assert (await world.client.delete(ONE)).status == 403


async def test_a_repository_that_is_not_there_looks_like_one_that_may_not_be_seen() -> None:
    world = ApiWorld(rules=[("admin", "*", "*", "*"), ("ann", "repositories", "*", "data/*")])
    body = {"repo": URL, "username": "x"}
    await world.client.post(f"{V1}/repositories", body)
    ann = world.client.as_("ann")
    assert (await ann.get(f"{V1}/repositories")).json["items"] == []
    asked = [("GET", ONE), ("GET", f"{ONE}x"), ("DELETE", ONE), ("PUT", ONE)]
    for method, path in (*asked, ("POST", f"{V1}/repositories")):
        assert (await ann.send(method, path, body)).status == 403
    mine = {**body, "project": "data"}
    assert (await ann.post(f"{V1}/repositories", mine)).status == 200
    assert [one["project"] for one in (await ann.get(f"{V1}/repositories")).json["items"]] == [
        "data"
    ]
    both = await world.client.get(f"{ONE}?appProject=other")
    assert both.status == 500
    assert "repository not found for url" in both.message
    assert (await world.client.get(f"{ONE}?appProject=data")).json["project"] == "data"
    await world.client.delete(ONE)
    assert (await ann.put(ONE, {"repo": URL, "name": "mine"})).json["name"] == "mine"
    assert (await ann.get(ONE)).json["project"] == "data"


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"repo": "https://ann:pw@git.example/x"}, 400, "a password stands in the URL"),
        ({"repo": URL, "type": "helm"}, 501, "type helm"),
        ({"username": "ann"}, 400, "repo: give the URL"),
        ({"repo": ["x"]}, 400, "invalid body"),
        ({"repo": "javascript:alert(1)//"}, 400, "javascript addresses are not read"),
        ({"repo": "JavaScript:alert(1)"}, 400, "javascript addresses are not read"),
        ({"repo": "data:text/html,<script>"}, 400, "data addresses are not read"),
        ({"repo": "ftp://git.example/a"}, 400, "ftp addresses are not read"),
        ({"repo": "https:///a"}, 400, "it names no host"),
        ({"repo": "https://git.example:x/a"}, 400, "it names no host"),
        ({"repo": "nonsense"}, 400, "no address of git"),
        ({"repo": "--upload-pack=touch x"}, 400, "blanks and control characters"),
        ({"repo": "-oProxyCommand=x:y"}, 400, "no address of git"),
        ({"repo": "https://git.example/a\nb"}, 400, "blanks and control characters"),
    ],
)
async def test_a_senseless_repository_is_refused(sent: Tree, status: int, words: str) -> None:
    world = ApiWorld()
    reply = await world.client.post(f"{V1}/repositories", sent)
    assert reply.status == status
    assert words in reply.message
    assert "pw@" not in reply.message
    assert world.world.stored.tried == [], "git is not asked"
    assert secrets_of(world) == []


async def test_a_repository_is_tried_without_being_kept() -> None:
    world = ApiWorld()
    world.world.stored.private[URL] = "right"
    bad = await world.client.post(f"{ONE}/validate?username=a&password=wrong")
    assert bad.status == 400
    assert (await world.client.post(f"{ONE}/validate?username=a&password=right")).json == {}
    assert secrets_of(world) == []
    assert (await world.client.as_("bob").post(f"{ONE}/validate")).status == 403


async def test_states_are_believed_until_somebody_asks_anew() -> None:
    world = ApiWorld()
    await world.client.post(f"{V1}/repositories", {"repo": URL, "username": "a"})
    tried = world.world.stored.tried
    tried.clear()
    await world.client.get(f"{V1}/repositories")
    await world.client.get(f"{V1}/repositories")
    assert tried == [URL]
    await world.client.get(f"{V1}/repositories?forceRefresh=true")
    assert tried == [URL, URL]


async def test_one_repository_is_tried_anew_and_no_other() -> None:
    world = ApiWorld()
    other = f"{URL}-other"
    for url in (URL, other):
        await world.client.post(f"{V1}/repositories", {"repo": url, "username": "a"})
    tried = world.world.stored.tried
    tried.clear()
    assert (await world.client.get(f"{ONE}?forceRefresh=true")).json["repo"] == URL
    listed = await world.client.get(f"{V1}/repositories?forceRefresh=true&repo={quote(other)}")
    assert [one["repo"] for one in listed.json["items"]] == [other]
    assert tried == [URL, other]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mailto:", "a b", "ftp://x"])
async def test_credentials_are_for_addresses_of_git(url: str) -> None:
    world = ApiWorld()
    reply = await world.client.post(f"{V1}/repocreds", {"url": url, "username": "a"})
    assert (reply.status, secrets_of(world)) == (400, [])


@pytest.mark.parametrize(
    "url", ["https://git.example:8443", "https://git.example/te", "git@git.example:", "ssh://git@g"]
)
async def test_credentials_are_for_any_beginning_of_an_address(url: str) -> None:
    world = ApiWorld()
    creds = {"url": url, "username": "a"}
    assert (await world.client.post(f"{V1}/repocreds", creds)).status == 200


async def test_credentials_of_a_prefix_are_inherited() -> None:
    world = ApiWorld()
    world.world.stored.private[URL] = "right"
    creds = {"url": "https://git.example/team", "username": "ann", "password": "right"}
    assert (await world.client.post(f"{V1}/repocreds", creds)).json == {
        "url": "https://git.example/team", "username": "ann", "credentialsKind": "password"
    }  # fmt: skip
    assert (await world.client.post(f"{V1}/repositories", {"repo": URL})).status == 200
    shown = (await world.client.get(ONE)).json
    assert shown["inheritedCreds"] is True
    assert shown["username"] == "ann"
    one = f"{V1}/repocreds/{quote(creds['url'], safe='')}"
    changed = await world.client.put(one, {**creds, "username": "bob"})
    assert changed.json["username"] == "bob"
    assert (await world.client.delete(one)).json == {}
    assert (await world.client.delete(one)).status == 403
    assert (await world.client.get(f"{V1}/repocreds")).json["items"] == []


async def test_host_keys_are_added_shown_and_taken_away() -> None:
    world = ApiWorld()
    world.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-ssh-known-hosts-cm", "namespace": "argocd"},
            "data": {"ssh_known_hosts": "# a comment\ngit.example ssh-rsa QUFB\n"},
        }
    )
    key = base64.b64encode(b"QUJD").decode()
    item = {"serverName": "host", "certType": "ssh", "certSubType": "ssh-ed25519", "certData": key}
    assert (await world.client.post(f"{V1}/certificates", {"items": [item]})).status == 200
    listed = (await world.client.get(f"{V1}/certificates?certType=ssh")).json["items"]
    assert [one["serverName"] for one in listed] == ["git.example", "host"]
    assert listed[1]["certInfo"].startswith("SHA256:")
    found = world.cluster.find("ConfigMap", "argocd", "argocd-ssh-known-hosts-cm")
    assert found is not None
    lines = "# a comment\ngit.example ssh-rsa QUFB\nhost ssh-ed25519 QUJD\n"
    assert found["data"]["ssh_known_hosts"] == lines
    other = {**item, "certData": base64.b64encode(b"QUJE").decode()}
    assert (await world.client.post(f"{V1}/certificates", {"items": [other]})).status == 400
    upsert = await world.client.post(f"{V1}/certificates?upsert=true", {"items": [other]})
    assert upsert.status == 200
    gone = await world.client.delete(f"{V1}/certificates?hostNamePattern=host")
    assert [one["serverName"] for one in gone.json["items"]] == ["host"]
    found = world.cluster.find("ConfigMap", "argocd", "argocd-ssh-known-hosts-cm")
    assert found is not None
    assert found["data"]["ssh_known_hosts"] == "# a comment\ngit.example ssh-rsa QUFB\n"
    broken = {**item, "certData": "QUJD", "certSubType": "ssh-rsa x"}
    assert (await world.client.post(f"{V1}/certificates", {"items": [broken]})).status == 400
    assert (await world.client.as_("bob").get(f"{V1}/certificates")).status == 403
    assert (await world.client.as_("bob").post(f"{V1}/certificates", {"items": []})).status == 403


@pytest.mark.parametrize("path", ["refs", "helmcharts", "oci-tags", "apps"])
async def test_what_is_not_built_says_so(path: str) -> None:
    reply = await ApiWorld().client.get(f"{ONE}/{path}")
    assert reply.status == 501
    assert "is not built" in reply.message
