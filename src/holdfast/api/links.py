"""Links that an administrator configured (docs/internals/argocd/api.md §1.7, deep links).

`application.links`, `resource.links` and `project.links` of `argocd-cm` are lists of
`{title, url, description, icon.class, if}`. A url may name values, `{{.app.metadata.name}}`; what
needs more of a template, and links with `if`, are left out, and the log says so: a wrong link is
worse than none.
"""

import logging
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from holdfast.domain.manifest import JSON, Tree
from holdfast.kit.yamlio import YamlError, load_one

log = logging.getLogger(__name__)

_VALUE = re.compile(r"\{\{-?\s*\.([A-Za-z0-9_.\-]+)\s*-?\}\}")


def links_of(text: str, context: Mapping[str, Tree]) -> list[Tree]:
    """Return the links of a setting, filled in.

    Args:
        text: YAML of the setting, `""` for none.
        context: What urls can name: `app`, `application`, `resource`, `project` …
    """
    if not text.strip():
        return []
    try:
        items = load_one(text)
    except YamlError as error:
        log.warning("links of argocd-cm cannot be read: %s", error)
        return []
    found = (_link(item, context) for item in items or () if isinstance(item, dict))
    return [link for link in found if link is not None]


def _link(item: Tree, context: Mapping[str, Tree]) -> Tree | None:
    title, template = str(item.get("title") or ""), str(item.get("url") or "")
    if item.get("if") not in (None, ""):
        log.info("link %r has a condition, which is not built", title)
        return None
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        value = _at(context, match.group(1))
        missing = missing or value is None
        return quote(str(value), safe="/:@-._~")

    url = _VALUE.sub(fill, template)
    if missing or "{{" in url or urlsplit(url).scheme not in ("http", "https"):
        log.info("link %r is left out: its url cannot be filled in", title)
        return None
    link = {"title": title, "url": url}
    for name, key in (("description", "description"), ("iconClass", "icon.class")):
        if item.get(key):
            link[name] = str(item[key])
    return link


def _at(context: Mapping[str, Tree], path: str) -> JSON:
    value: JSON = context
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str | int | float) else None
