"""Sign-in and roles of `holdfast serve`, beside a controller, on both planes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import pytest

from holdfast.assembly.front_tls import make_certificate
from tests.support.person import Ref
from tests.support.process import HoldfastProcess
from tests.support.site import config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.plant import Plant
    from tests.support.site import Site

Tree = dict[str, Any]
SECRET = "argocd-secret"
FIRST = "argocd-initial-admin-secret"


class Browser:
    """Somebody at the API: with a token, a cookie, or neither."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self.session = session
        self.url = url
        self.token = token

    async def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        sent = {"Content-Type": "application/json", **headers}
        if self.token and "Cookie" not in headers:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self.session.request(
            method, f"{self.url}{path}", json=body, headers=sent, allow_redirects=False
        ) as answer:
            content = await answer.read()
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else content

    async def sign_in(self, name: str, password: str) -> Browser:
        body = {"username": name, "password": password}
        status, answer = await self.send("POST", "/api/v1/session", body)
        assert status == 200, answer
        return Browser(self.session, self.url, answer["token"])

    async def may(self, resource: str, action: str, target: str) -> str:
        path = f"/api/v1/account/can-i/{resource}/{action}/{target}"
        return str((await self.send("GET", path))[1].get("value"))


@pytest.fixture(scope="module")
def served(plant: Plant) -> Iterator[HoldfastProcess]:
    """`holdfast serve` on the plant's control namespace."""
    process = serve(plant, plant.control)
    yield process
    process.kill()


def serve(plant: Plant, control: str) -> HoldfastProcess:
    return HoldfastProcess.start(
        "serve", "--listen", "127.0.0.1:0", "--kubeconfig", str(plant.kubeconfig),
        "--namespace", control, "--journal", "off",
        "--allow-local-repos", str(plant.folder),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def browsing(process: HoldfastProcess) -> AsyncIterator[Browser]:
    url = (await asyncio.to_thread(process.wait_for, r"serving (http://\S+)"))[1]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        browser = Browser(session, url)

        async def is_there() -> bool:
            return (await browser.send("GET", "/api/v1/session/userinfo"))[0] == 200

        await eventually(is_there)
        yield browser


@pytest.fixture
async def browser(served: HoldfastProcess) -> AsyncIterator[Browser]:
    async with browsing(served) as found:
        yield found


async def secret(site: Site, name: str) -> dict[str, str]:
    tree = await site.person.get(Ref("v1", "Secret", site.control, name))
    return {key: base64.b64decode(value).decode() for key, value in tree["data"].items()}


async def first_password(site: Site) -> str:
    return (await secret(site, FIRST))["password"]


async def write(site: Site, name: str, data: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": site.control}
    tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    await site.person.apply(tree)


async def admin_of(site: Site, browser: Browser) -> Browser:
    return await browser.sign_in("admin", await first_password(site))


async def test_the_first_start_makes_a_password_and_a_restart_keeps_all(
    plant: Plant, site: Site
) -> None:
    fresh = replace(site, control=await site.new_namespace(), apps=[])
    first = serve(plant, fresh.control)
    again = serve(plant, fresh.control)
    try:
        async with browsing(first) as browser, browsing(again) as other:
            password = await first_password(fresh)
            told = rf"kubectl -n {fresh.control} get secret {FIRST}"
            assert first.has_said(told) or again.has_said(told)
            admin = await browser.sign_in("admin", password)
            before = await secret(fresh, SECRET)
            assert {"server.secretkey", "admin.password", "admin.passwordMtime"} <= before.keys()
            assert password not in first.text + again.text
            await asyncio.to_thread(first.kill)
            first = serve(plant, fresh.control)
            async with browsing(first) as restarted:
                assert await secret(fresh, SECRET) == before
                assert not first.has_said("first password")
                same = Browser(restarted.session, restarted.url, admin.token)
                status, answer = await same.send("GET", "/api/v1/session/userinfo")
                assert (status, answer["username"]) == (200, "admin")
            assert (await other.sign_in("admin", password)).token
    finally:
        await asyncio.to_thread(first.kill)
        await asyncio.to_thread(again.kill)
        await site.person.delete(Ref("v1", "Namespace", "", fresh.control))


async def test_nobody_gets_in_without_a_token(browser: Browser) -> None:
    for path in ("/api/v1/applications", "/api/v1/account", "/api/v1/stream/applications"):
        status, answer = await browser.send("GET", path)
        assert (status, answer["code"]) == (401, 16), path


async def test_a_read_only_user_sees_but_cannot_sync(site: Site, browser: Browser) -> None:
    app = await site.deploy("web", {"web.yaml": config_map("web", a="1")})
    admin = await admin_of(site, browser)
    await write(site, "argocd-cm", {"accounts.ann": "login"})
    await write(site, "argocd-rbac-cm", {"policy.csv": "g, ann, role:readonly"})

    async def password_is_set() -> bool:
        body = {
            "name": "ann",
            "currentPassword": await first_password(site),
            "newPassword": "correct horse",
        }
        return (await admin.send("PUT", "/api/v1/account/password", body))[0] == 200

    await eventually(password_is_set)
    ann = await browser.sign_in("ann", "correct horse")
    path = f"/api/v1/applications/{app.name}"

    async def sees() -> bool:
        return (await ann.send("GET", path))[0] == 200

    await eventually(sees)
    refused = await ann.send("POST", f"{path}/sync", {})
    missing = await ann.send("POST", "/api/v1/applications/no-such-one/sync", {})
    assert refused[0] == missing[0] == 403
    assert refused[1] == missing[1], "who may not sync cannot tell what there is"
    assert await ann.may("applications", "sync", f"default/{app.name}") == "no"
    assert (await ann.send("DELETE", path))[0] == 403
    status, answer = await admin.send("POST", f"{path}/sync", {"revision": "main"})
    assert status == 200, answer


async def test_a_policy_that_cannot_be_read_is_said_and_the_last_one_stays(
    site: Site, served: HoldfastProcess, browser: Browser
) -> None:
    admin = await admin_of(site, browser)
    await write(site, "argocd-rbac-cm", {"policy.csv": "p, admin, extensions, invoke, x, allow"})

    async def may() -> bool:
        return await admin.may("extensions", "invoke", "x") == "yes"

    await eventually(may)
    await write(site, "argocd-rbac-cm", {"policy.csv": "p, admin, extensions"})
    await asyncio.to_thread(served.wait_for, r"argocd-rbac-cm cannot be read.*line 1")
    assert await may()


def shop(site: Site, *tokens: Tree) -> Tree:
    role = {
        "name": "ci",
        "policies": [
            "p, proj:shop:ci, applications, get, shop/*, allow",
            "p, proj:shop:ci, applications, sync, shop/*, allow",
        ],
        "jwtTokens": list(tokens),
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "shop", "namespace": site.control},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "roles": [role],
        },
    }


async def test_a_token_of_a_project_works_there_alone_and_while_it_is_listed(
    site: Site, browser: Browser
) -> None:
    now = int(datetime.now(UTC).timestamp())
    await site.person.apply(shop(site, {"iat": now, "id": "a"}))
    ours = await site.deploy("web", {"web.yaml": config_map("web", a="1")}, project="shop")
    other = await site.deploy("web", {"web.yaml": config_map("web", a="1")})
    words = {"iss": "argocd", "sub": "proj:shop:ci", "iat": now, "jti": "a"}
    key = (await secret(site, SECRET))["server.secretkey"]
    robot = Browser(browser.session, browser.url, jwt.encode(words, key, "HS256"))

    async def sees() -> bool:
        return (await robot.send("GET", f"/api/v1/applications/{ours.name}"))[0] == 200

    await eventually(sees)
    listed = (await robot.send("GET", "/api/v1/applications"))[1]["items"]
    assert [item["metadata"]["name"] for item in listed] == [ours.name]
    body = {"revision": "main"}
    assert (await robot.send("POST", f"/api/v1/applications/{ours.name}/sync", body))[0] == 200
    assert (await robot.send("POST", f"/api/v1/applications/{other.name}/sync", body))[0] == 403
    forged = jwt.encode({**words, "jti": "b"}, key, "HS256")
    assert (await Browser(browser.session, browser.url, forged).send("GET", "/api/v1/account"))[
        0
    ] == 401
    await site.person.apply(shop(site))

    async def is_out() -> bool:
        return (await robot.send("GET", "/api/v1/applications"))[0] == 401

    await eventually(is_out)
    await site.person.delete(Ref("argoproj.io/v1alpha1", "AppProject", site.control, "shop"))


async def test_signing_out_ends_open_streams_at_once(site: Site, browser: Browser) -> None:
    admin = await admin_of(site, browser)
    headers = {"Authorization": f"Bearer {admin.token}"}
    url = f"{browser.url}/api/v1/stream/applications"
    app = await site.deploy("web", {"web.yaml": config_map("web", a="1")})
    async with browser.session.get(url, headers=headers) as stream:
        # The first change shows that it is open.
        await app.patch({"metadata": {"labels": {"seen": "yes"}}})
        assert b"result" in await stream.content.readline()
        assert (await admin.send("DELETE", "/api/v1/session"))[0] == 200
        async with asyncio.timeout(5):
            rest = await stream.content.read()
    assert b'"http_code":401' in rest.splitlines()[-1]


async def test_a_cookie_works_in_a_browser_and_changes_nothing_from_elsewhere(
    site: Site, browser: Browser
) -> None:
    admin = await admin_of(site, browser)
    cookie = f"argocd.token={admin.token}"
    assert (await browser.send("GET", "/api/v1/applications", Cookie=cookie))[0] == 200
    body = {"name": "admin"}
    path = "/api/v1/account/password"
    for origin in ({}, {"Origin": "https://evil.example.com"}, {"Origin": "null"}):
        assert (await browser.send("PUT", path, body, Cookie=cookie, **origin))[0] == 403
    status, answer = await browser.send("PUT", path, body, Cookie=cookie, Origin=browser.url)
    assert (status, answer["message"]) == (400, "current password does not match")


async def shown_by(port: int, trusted: str) -> str:
    """The name of who answers there, which must be one of a trusted certificate."""
    context = ssl.create_default_context(cadata=trusted)
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    subject = dict(part[0] for part in writer.get_extra_info("peercert")["subject"])
    writer.close()
    await writer.wait_closed()
    return str(subject["organizationName"])


async def plain_is_led_to_tls_until_a_proxy_has_it(
    site: Site, session: aiohttp.ClientSession, port: int
) -> None:
    plain = f"http://localhost:{port}"
    async with session.get(f"{plain}/applications?a=b", allow_redirects=False) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == f"https://localhost:{port}/applications?a=b"
    await write(site, "argocd-cmd-params-cm", {"server.insecure": "true"})

    async def cookie() -> str:
        body = {"username": "admin", "password": await first_password(site)}
        url = f"{plain}/api/v1/session"
        async with session.post(url, json=body, allow_redirects=False) as answer:
            return answer.headers.get("Set-Cookie", "") if answer.status == 200 else ""

    assert "; Secure" not in await eventually(cookie), "a browser would not send it back"
    await site.person.delete(Ref("v1", "ConfigMap", site.control, "argocd-cmd-params-cm"))


async def test_an_address_that_others_reach_has_tls_with_our_own_certificate_or_a_made_one(
    plant: Plant, site: Site
) -> None:
    process = HoldfastProcess.start(
        "serve", "--listen", "0.0.0.0:0", "--kubeconfig", str(plant.kubeconfig),
        "--namespace", plant.control, "--journal", "off",
    )  # fmt: skip
    try:
        found = await asyncio.to_thread(process.wait_for, r"serving https://\S+:(\d+)")
        port = int(found[1])

        async def keeps() -> str:
            with contextlib.suppress(AssertionError, KeyError):
                return (await secret(site, SECRET))["tls.crt"]
            return ""

        made = await eventually(keeps)

        async def answers_with(certificate: str) -> str:
            with contextlib.suppress(OSError):
                return await shown_by(port, certificate)
            return ""

        assert await eventually(lambda: answers_with(made)) == "Holdfast"
        own = await asyncio.to_thread(make_certificate, "elsewhere", datetime.now(UTC))
        tree = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "argocd-server-tls", "namespace": site.control},
            "stringData": {"tls.crt": own[0].decode(), "tls.key": own[1].decode()},
        }
        await site.person.create(tree)
        await eventually(lambda: answers_with(own[0].decode()))
        url = f"https://localhost:{port}"
        trust = ssl.create_default_context(cadata=own[0].decode())
        connector = aiohttp.TCPConnector(ssl=trust)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def cookie() -> str:
                body = {"username": "admin", "password": await first_password(site)}
                async with session.post(f"{url}/api/v1/session", json=body) as answer:
                    return answer.headers.get("Set-Cookie", "") if answer.status == 200 else ""

            assert "; Secure" in await eventually(cookie)
            await plain_is_led_to_tls_until_a_proxy_has_it(site, session, port)
        assert (await secret(site, SECRET))["tls.crt"] == made, "nothing there is changed"
        await site.person.delete(Ref("v1", "Secret", site.control, "argocd-server-tls"))
    finally:
        await asyncio.to_thread(process.kill)
