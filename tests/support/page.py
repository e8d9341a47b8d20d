"""The page in this process: its screens over the fake cluster, with every header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from holdfast.api.page.live import Live
from holdfast.api.page.look import Look
from holdfast.api.page.server import Page
from holdfast.api.routes.table import all_routes
from holdfast.api.server import ApiServer
from holdfast.domain.drift import FieldOwner
from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.journal import DecisionMade, Episode, FieldChange, HealMade
from tests.support.api import ApiClient, ApiWorld, Reply, check_refusal

Tree = dict[str, Any]
LOOK = Look()  # once for all tests; it reads files, which no event loop may
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class PageClient(ApiClient):
    """Knows that refusals of the page have our shape."""

    def as_(self, name: str) -> PageClient:
        return PageClient(self.server, name)

    def _check(self, method: str, path: str, reply: Reply, *, ours: bool) -> None:
        if path.startswith("/api/"):
            super()._check(method, path, reply, ours=ours)
        elif reply.headers.get("content-type") == "application/json" and reply.status >= 400:
            check_refusal(reply, ours=True)


class PageWorld(ApiWorld):
    """`ApiWorld` with the page in its place; `client` is `admin`."""

    def __init__(self, *objects: Tree, **options: Any) -> None:
        super().__init__(*objects, **options)
        self.live = Live(self.services)
        page = Page(self.services, self.live, LOOK)
        self.client: PageClient = PageClient(ApiServer(all_routes(), self.services, page), "admin")

    async def shown(self, path: str, who: str = "admin") -> Shown:
        """What a person sees there."""
        reply = await self.client.as_(who).get(path)
        return Shown(reply.status, reply.body.decode(), reply.headers)


class Shown(HTMLParser):
    """A screen, taken apart.

    Attributes:
        tags: Every element: its name and its attributes.
        words: All text.
    """

    def __init__(self, status: int, html: str, headers: dict[str, str]) -> None:
        super().__init__()
        self.status, self.html, self.headers = status, html, headers
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._words: list[str] = []
        self.feed(html)
        self.words = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def test(self, name: str) -> list[dict[str, str]]:
        """The attributes of all elements with this `data-test`."""
        return [attributes for _, attributes in self.tags if attributes.get("data-test") == name]

    def links(self) -> list[str]:
        """Where links lead."""
        return [attributes.get("href", "") for tag, attributes in self.tags if tag == "a"]


def episode(**changes: Any) -> Episode:
    """Somebody scaled a Deployment at noon; it was healed in 7.4 ms."""
    change = FieldChange("spec.replicas", 2, 5, ("kubectl",), (FieldOwner("kubectl", "Update"),))
    values: dict[str, Any] = {
        "id": "0123456789abcdef",
        "source": "here",
        "app": AppKey("argocd", "web"),
        "key": ResourceKey("apps", "Deployment", "prod", "web"),
        "what": "changed",
        "changes": (change,),
        "managers": ("kubectl",),
        "detected_at": NOON,
        "closed_at": NOON + timedelta(milliseconds=7.4),
        "closing": "healed",
        "heals": (HealMade(NOON, "healed", 0.0074, ""),),
    }
    return Episode(**{**values, **changes})


def open_episode(**changes: Any) -> Episode:
    """The same, and not healed."""
    held = DecisionMade(NOON, "hold", "self-heal-off", "")
    values = {"closed_at": None, "closing": "", "heals": (), "decisions": (held,)}
    return episode(**{**values, **changes})
