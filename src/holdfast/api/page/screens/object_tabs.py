"""The tabs of an object: what each of them reads, and what it hands to its template."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from holdfast.api.links import links_of
from holdfast.api.page.app_view import AppView, block, blocks, text
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_trial import digest
from holdfast.api.page.diff_view import diffs_of, ignored_words
from holdfast.api.page.drift_view import episodes_of
from holdfast.api.page.look import safe_url
from holdfast.api.page.object_edit import PATCHES, Edit, editable, what_becomes_of_it
from holdfast.api.page.object_facts import facts_of
from holdfast.api.page.object_fate import (
    HEALTH_WORDS,
    SYNC_WORDS,
    WAYS,
    fate_of,
    is_precious,
)
from holdfast.api.page.object_owners import ownership_of
from holdfast.api.page.object_parts import (
    conditions_of_object,
    containers_of,
    default_container,
    links_of_object,
)
from holdfast.api.page.object_view import ObjectView
from holdfast.api.page.object_yaml import (
    LAST_APPLIED,
    holds_last_applied,
    without_bookkeeping,
    written,
)
from holdfast.api.page.screens.events import event_of
from holdfast.api.page.width import diff_style
from holdfast.domain.application import Application
from holdfast.domain.errors import HoldfastError
from holdfast.domain.journal import EpisodeFilter
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.queries import ListEvents, ManagedResources
from holdfast.kit import yamlio

_EVENTS_SHOWN = 200
_EPISODES_READ = 200
TAILS = (("100", "last 100 lines"), ("500", "last 500 lines"), ("1000", "last 1,000 lines"),
         ("5000", "last 5,000 lines"))  # fmt: skip
SINCES = (("", "of any age"), ("300", "last 5 minutes"), ("3600", "last hour"),
          ("86400", "last day"))  # fmt: skip
_LONGEST_FILTER = 200
_MOST_PODS = 10  # that the API reads at once

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tab is made of.

    Attributes:
        tree: The Application object.
        live: The object, None when the cluster has none.
        objects: All that are known of the Application; with children for some tabs only.
        edit: What was typed and could not be sent, on the tab of that name.
    """

    board: Board
    visit: Visit
    tree: Tree
    app: AppView
    item: ObjectView
    live: Tree | None
    objects: tuple[ObjectView, ...]
    edit: Edit | None = None

    @property
    def pods(self) -> tuple[ObjectView, ...]:
        """The Pods that are this object or grew out of it."""
        by_id = {one.id: one for one in self.objects}
        return tuple(
            one
            for one in self.objects
            if one.kind == "Pod" and not one.group and self._is_below(one, by_id)
        )

    @property
    def has_pods(self) -> bool:
        """Whether there are any, as far as the objects are known."""
        return bool(self.pods)

    def _is_below(self, item: ObjectView, by_id: dict[str, ObjectView]) -> bool:
        level = [item]
        for _ in range(len(by_id)):
            if any(one.id == self.item.id for one in level):
                return True
            level = [by_id[name] for one in level for name in one.parents if name in by_id]
            if not level:
                break
        return False


async def _summary(seen: Seen, values: Values) -> Values:
    live, item = seen.live or {}, seen.item
    metadata = block(live, "metadata")
    return {
        "facts": facts_of(live),
        "containers": containers_of(live),
        "conditions": conditions_of_object(live),
        "owners": _owners(seen, metadata),
        "children": [one for one in seen.objects if item.id in one.parents and one.id != item.id],
        "labels": sorted(block(metadata, "labels").items()),
        "annotations": sorted(
            (k, v) for k, v in block(metadata, "annotations").items() if k != LAST_APPLIED
        ),
        "finalizers": [str(one) for one in metadata.get("finalizers") or ()],
        "uid": text(metadata, "uid"),
        "links": (*links_of_object(live), *_configured_links(seen)),
        "health_words": HEALTH_WORDS.get(item.health, ""),
        "sync_words": SYNC_WORDS.get(item.sync, ""),
        "drifts": await _drifts(seen),
    }


def _owners(seen: Seen, metadata: Tree) -> list[tuple[str, ObjectView | None]]:
    """Return its owners in words, with the object of this Application where it is one."""
    by_id = {one.id: one for one in seen.objects}
    found = []
    for reference in blocks(metadata, "ownerReferences"):
        group = text(reference, "apiVersion").rpartition("/")[0]
        kind, name = text(reference, "kind"), text(reference, "name")
        namespaces = (seen.item.namespace, "")
        ids = (f"{group}/{kind}/{namespace}/{name}" for namespace in namespaces)
        found.append((f"{kind} {name}", next((by_id[i] for i in ids if i in by_id), None)))
    return found


def _configured_links(seen: Seen) -> list[tuple[str, str]]:
    """Return the links that `resource.links` of `argocd-cm` makes for it."""
    services = seen.board.services
    projects = services.applications.projects()
    project = next((p for p in projects if p["metadata"]["name"] == seen.app.project), {})
    context = {
        "app": seen.tree, "application": seen.tree, "resource": seen.live or {},
        "project": project,
    }  # fmt: skip
    found = links_of(services.settings.text("resource.links"), context)
    named = ((str(one["title"]), safe_url(str(one["url"]))) for one in found)
    return [(title, url) for title, url in named if url]


async def _drifts(seen: Seen) -> Values | None:
    """Return what the journal remembers of it; None when there is no journal."""
    journal = seen.board.services.journal
    if journal is None or not seen.item.managed:
        return None
    try:
        found = await journal.episodes(EpisodeFilter(app=seen.app.id, limit=_EPISODES_READ))
    except HoldfastError:
        return None
    views = [view for view in episodes_of(found) if view.object_id == seen.item.id]
    return {
        "open": next((view for view in views if view.state == "open"), None),
        "last": next((view for view in views if view.state != "open"), None),
        "count": len(views),
        "is_all": len(found) < _EPISODES_READ,
    }


async def _live(seen: Seen, values: Values) -> Values:
    shows_managed = seen.visit.request.query_params.get("managed") == "shown"
    if seen.live is None:
        return {"page": None, "shows_managed": shows_managed}
    shown = without_bookkeeping(seen.live, managed_fields=shows_managed)
    return {
        "page": await asyncio.to_thread(written, shown),
        "shows_managed": shows_managed,
        "hides_last_applied": holds_last_applied(seen.live),
    }


async def _record(seen: Seen) -> tuple[Tree | None, str]:
    """Return what a sync would make of it, and why that cannot be said."""
    question = ManagedResources(seen.app.key, only=seen.item.key)
    try:
        found = await seen.board.services.queries.answer(question, "")
    except HoldfastError as error:
        return None, f"{error.message}. {error.hint}" if error.hint else error.message
    return next(iter(found), None), ""


async def _desired(seen: Seen, values: Values) -> Values:
    record, trouble = await _record(seen) if seen.item.managed else (None, "")
    target = (record or {}).get("targetState")
    page = await asyncio.to_thread(written, target) if isinstance(target, dict) else None
    return {"page": page, "trouble": trouble or values["trouble"]}


async def _diff(seen: Seen, values: Values) -> Values:
    query = seen.visit.request.query_params
    whole = query.get("lines") == "all"
    record, trouble = await _record(seen) if seen.item.managed else (None, "")
    rules = Application.parse(Manifest(seen.tree)).ignore_rules
    found = await asyncio.to_thread(diffs_of, [record], rules, whole=whole) if record else ()
    return {
        "diff": found[0] if found else None,
        "ignored": tuple(ignored_words(record, rules)) if record else (),
        "style": diff_style(seen.visit.request),
        "whole": whole,
        "trouble": trouble or values["trouble"],
    }


async def _ownership(seen: Seen, values: Values) -> Values:
    if seen.live is None:
        return {"ownership": None, "only": None}
    found = await asyncio.to_thread(ownership_of, seen.live)
    wanted = seen.visit.request.query_params.get("by", "")
    only = next((owner for owner in found.owners if str(owner.number) == wanted), None)
    return {
        "ownership": found,
        "only": only,
        "hides_last_applied": holds_last_applied(seen.live),
    }


async def _events(seen: Seen, values: Values) -> Values:
    uid = text(block(seen.live or {}, "metadata"), "uid")
    if not uid:
        return {"events": []}
    question = ListEvents(seen.app.key, seen.item.namespace, seen.item.name, uid)
    try:
        found = await seen.board.services.queries.answer(question, "")
    except HoldfastError as error:
        return {"events": [], "trouble": error.message}
    return {"events": [event_of(tree) for tree in reversed(found[-_EVENTS_SHOWN:])]}


async def _logs(seen: Seen, values: Values) -> Values:
    query = seen.visit.request.query_params

    def chosen(name: str, known: tuple[tuple[str, str], ...], default: str) -> str:
        value = query.get(name, default)
        return value if value in dict(known) else default

    containers = containers_of(seen.live or {})
    names = [one.name for one in containers]
    pods = [one for one in seen.pods if one.id != seen.item.id]
    container = query.get("container", "")
    wish = {
        "pod": _chosen_pod(query.get("pod", ""), pods),
        "container": container if container in names else default_container(seen.live or {}),
        "tail": chosen("tail", TAILS, "1000"),
        "since": chosen("since", SINCES, ""),
        "filter": query.get("filter", "")[:_LONGEST_FILTER],
        "without": query.get("without") == "yes",
        "case": query.get("case") == "yes",
        "previous": query.get("previous") == "yes",
        "follow": query.get("follow") != "no",
        "times": query.get("times") == "shown",
        "wrap": query.get("wrap") != "no",
    }
    return {
        "wish": wish,
        "log_containers": containers,
        "log_pods": pods,
        "is_too_many": len(pods) > _MOST_PODS,
        "tails": TAILS,
        "sinces": SINCES,
        "stream": _log_url(seen, wish, is_stream=True),
        "download": _log_url(seen, wish, is_stream=False),
    }


def _chosen_pod(wanted: str, pods: list[ObjectView]) -> str:
    """Return the pod whose log is read, `""` for all of them; too many begin with the first."""
    if wanted in {one.name for one in pods}:
        return wanted
    return pods[0].name if len(pods) > _MOST_PODS else ""


def _log_url(seen: Seen, wish: Values, *, is_stream: bool) -> str:
    """Return where the API has the log: as a stream, or whole as a file."""
    app, item = seen.app, seen.item
    about = {"namespace": item.namespace}
    if wish["pod"]:
        about["podName"] = wish["pod"]
    elif item.kind == "Pod" and not item.group:
        about["podName"] = item.name
    else:
        about |= {"group": item.group, "kind": item.kind, "resourceName": item.name}
    asked = {
        **about,
        "appNamespace": app.key.namespace,
        "project": app.project,
        "container": wish["container"],
        "filter": ("!" if wish["without"] else "") + wish["filter"] if wish["filter"] else "",
        "matchCase": "true" if wish["case"] else "",
        "previous": "true" if wish["previous"] else "",
        "sinceSeconds": wish["since"],
    }
    if is_stream:
        follows = wish["follow"] and not wish["previous"]
        asked |= {"tailLines": wish["tail"], "follow": "true" if follows else ""}
    else:
        asked["download"] = "true"
    return f"{app.api}/logs?{urlencode({name: word for name, word in asked.items() if word})}"


async def _delete(seen: Seen, values: Values) -> Values:
    wanted = seen.visit.request.query_params.get("how", "foreground")
    return {
        "ways": WAYS,
        "way": next((way for way in WAYS if way.name == wanted), WAYS[0]),
        "fate": fate_of(seen.app, seen.item, seen.live or {}, is_paused=values["is_paused"]),
        "is_precious": is_precious(seen.item.kind),
    }


async def _edit(seen: Seen, values: Values) -> Values:
    first = "merge" if values["is_secret"] else "yaml"
    how = seen.visit.request.query_params.get("how", first)
    edit = seen.edit or Edit(how if how in PATCHES else first, "")
    live = seen.live or {}
    if seen.edit is None and edit.how == "yaml":
        shown = editable(live)
        text = await asyncio.to_thread(yamlio.dump, shown)
        edit = Edit("yaml", text, digest(shown))
    return {
        "edit": edit,
        "first_how": first,
        "patches": PATCHES,
        "becomes": what_becomes_of_it(seen.app, seen.item, is_paused=values["is_paused"]),
        "hides_last_applied": holds_last_applied(live),
    }


async def _action(seen: Seen, values: Values) -> Values:
    return {}


TABS: dict[str, Callable[[Seen, Values], Awaitable[Values]]] = {
    "summary": _summary,
    "live": _live,
    "desired": _desired,
    "diff": _diff,
    "owners": _ownership,
    "events": _events,
    "logs": _logs,
    "delete": _delete,
    "edit": _edit,
    "action": _action,
}
