"""Who may show the page in a frame, and what else every answer says."""

from __future__ import annotations

import pytest

from tests.support.api import ApiWorld
from tests.support.page import PageWorld
from tests.unit.requests.given import app


@pytest.mark.parametrize(
    ("option", "header", "ancestors"),
    [
        (None, "DENY", "'none'"),
        ("deny", "DENY", "'none'"),
        ("SameOrigin", "SAMEORIGIN", "'self'"),
        ("", None, "'self'"),
        ("allow-from https://evil.example\r\nX: y", "DENY", "'none'"),
    ],
)
async def test_the_setting_says_who_may_frame_the_page(
    option: str | None, header: str | None, ancestors: str
) -> None:
    world = PageWorld(app())
    if option is not None:
        world.settings.texts["server.x.frame.options"] = option
    for path in ("/applications", "/login", "/nothing", "/static/holdfast.js"):
        reply = await world.client.get(path)
        assert reply.headers.get("x-frame-options") == header
        policy = reply.headers["content-security-policy"].split("; ")
        assert [one for one in policy if one.startswith("frame-")] == [
            f"frame-ancestors {ancestors}"
        ]


async def test_every_screen_has_the_strict_policy() -> None:
    world = PageWorld(app())
    for path in ("/applications", "/applications/argocd/web", "/login", "/nothing"):
        headers = (await world.client.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/api/v1/applications", "/api/version", "/api/v1/nothing", "/healthz", "/swagger.json"]
)
async def test_every_answer_of_the_api_is_data_and_no_page(path: str) -> None:
    headers = (await PageWorld(app()).client.get(path)).headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


async def test_the_document_of_the_api_can_be_hidden() -> None:
    world = ApiWorld(app())
    assert (await world.client.get("/swagger.json")).status == 200
    world.settings.texts["server.disable.swagger.ui"] = "true"
    assert (await world.client.get("/swagger.json")).status == 404
