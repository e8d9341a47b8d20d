"""Forms of the page as a browser has them: what is filled in, and how it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support.page import PageWorld, Shown

if TYPE_CHECKING:
    from tests.support.api import Reply

Tree = dict[str, Any]
FORM = "application/x-www-form-urlencoded"


class FormShown(Shown):
    """A screen with a form; knows what a browser would send."""

    def __init__(self, reply: Reply) -> None:
        self._area, self._options = "", ""
        self.sent: dict[str, str] = {}
        super().__init__(reply.status, reply.body.decode(), reply.headers)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        have = {name: value or "" for name, value in attrs}
        if tag == "input" and "disabled" not in have and have.get("type") != "checkbox":
            self.sent[have.get("name", "")] = have.get("value", "")
        if tag == "input" and have.get("type") == "checkbox" and "checked" in have:
            self.sent[have["name"]] = have["value"]
        if tag == "select":
            self._options = have["name"]
        if tag == "option" and self._options and "selected" in have:
            self.sent[self._options] = have["value"]
        if tag == "textarea":
            self._area = have["name"]
            self.sent[self._area] = ""

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        if self._area:
            self.sent[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.sent[self._area] = self.sent[self._area].removeprefix("\n")
            self._area = ""
        if tag == "select":
            self._options = ""


async def send(
    world: PageWorld, path: str, fields: Tree, who: str = "admin", **headers: str
) -> Any:
    """Posts a form as a browser does; a screen is taken apart, anything else given as it is."""
    sent = {"content_type": FORM, "origin": "http://here", "host": "here", **headers}
    real = {name.replace("_", "-"): value for name, value in sent.items() if value}
    body = urlencode({name: value for name, value in fields.items() if name}).encode()
    reply = await world.client.as_(who).send("POST", path, body, headers=real)
    is_screen = reply.headers.get("content-type", "").startswith("text/html")
    return FormShown(reply) if is_screen else reply


async def opened(world: PageWorld, path: str) -> FormShown:
    return FormShown(await world.client.get(path))
