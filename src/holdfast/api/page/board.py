"""What all screens read from: views of Applications, pauses, open drift, and who may do what."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from holdfast.api.applications import (
    APPLICATIONS,
    Which,
    demand_application,
    key_of,
    rbac_name,
    target_of,
)
from holdfast.api.call import Call
from holdfast.api.page.app_view import AppView, view_of
from holdfast.api.page.catalogue import Item
from holdfast.api.page.commits import Commits
from holdfast.api.pause_rights import may_with_pause
from holdfast.api.ports import Services
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.journal import EpisodeFilter
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.pause import Pause
from holdfast.domain.queries import ListPauses
from holdfast.kit.turns import Turns

log = logging.getLogger(__name__)

Visit = Call[Any, Any]

FAVOURITES_COOKIE = "holdfast.favourites"
_MOST_OPEN = 1000


@dataclass(slots=True)
class Board:
    """Shared by all screens.

    Views are kept by the version of their object: of a thousand Applications only those are read
    anew that changed.
    """

    services: Services
    commits: Commits
    _views: dict[AppKey, AppView] = field(default_factory=dict)
    _pauses: tuple[Pause, ...] = ()

    @property
    def now(self) -> datetime:
        """The time."""
        return self.services.clock.now()

    @property
    def has_journal(self) -> bool:
        """Whether drift is remembered; without, its panels are absent."""
        return self.services.journal is not None

    async def warm(self) -> None:
        """Make the views that `views` wants in turns of the loop: a thousand take 50 ms."""
        turns = Turns()
        for key, version in self.services.applications.versions():
            known = self._views.get(key)
            if known is None or known.version != version:
                tree = self.services.applications.find(key)
                if tree is not None:
                    self._views[key] = view_of(tree)
                await turns.give()

    def views(self, visit: Visit) -> list[AppView]:
        """Return the Applications that the caller may see."""
        control = self.services.facts.control_namespace
        fresh: dict[AppKey, AppView] = {}
        shown = []
        for key, version in self.services.applications.versions():
            view = self._views.get(key)
            if view is None or view.version != version:
                tree = self.services.applications.find(key)
                if tree is None:
                    continue
                view = view_of(tree)
            fresh[key] = view
            if visit.may(APPLICATIONS, "get", rbac_name(view.project, key, control)):
                shown.append(view)
        self._views = fresh
        return shown

    def view(self, tree: Tree) -> AppView:
        """Return the view of an Application."""
        known = self._views.get(key_of(tree))
        if known is not None and known.version == tree["metadata"].get("resourceVersion"):
            return known
        return view_of(tree)

    async def items(self, visit: Visit) -> list[Item]:
        """Return the Applications that the caller may see, with pauses and drift."""
        await self.warm()
        views, pauses, drifts = self.views(visit), await self.pauses(), await self.open_drifts()
        favourites, turns = favourites_of(visit), Turns()
        found = []
        for view in views:
            is_paused = any(self.holds(pause, view) for pause in pauses)
            is_favourite = view.id in favourites
            found.append(Item(view, is_paused, drifts[view.key], is_favourite))
            await turns.give()
        return found

    def may_sync(self, visit: Visit, view: AppView) -> bool:
        """Whether the caller may sync an Application."""
        control = self.services.facts.control_namespace
        return visit.may(APPLICATIONS, "sync", rbac_name(view.project, view.key, control))

    async def application(self, visit: Visit) -> tuple[Tree, AppView]:
        """Return the Application that the path names.

        Raises:
            ApiError: 403, there is none, or the caller may not see it.
        """
        asked = Which(visit.path["name"], visit.path["namespace"])
        tree = await demand_application(visit, "get", asked)
        return tree, self.view(tree)

    def may(self, visit: Visit, tree: Tree, action: str) -> bool:
        """Whether the caller may do something with an Application."""
        return visit.may(APPLICATIONS, action, target_of(visit, tree))

    def holds(self, pause: Pause, view: AppView) -> bool:
        """Whether a pause holds a whole Application."""
        names = {view.server.rstrip("/"), view.cluster}
        if names & {IN_CLUSTER_NAME, IN_CLUSTER_SERVER}:
            names |= {IN_CLUSTER_NAME, IN_CLUSTER_SERVER}
        return pause.holds_app(view.key, view.project, frozenset(names - {""}))

    def may_end(self, visit: Visit, pause: Pause) -> bool:
        """Whether the caller may end a pause, by the API's rules."""
        return may_with_pause(visit, pause, "update")

    async def pauses(self) -> tuple[Pause, ...]:
        """Return what is paused; the last known when the cluster does not answer."""
        try:
            trees = await self.services.queries.answer(ListPauses(), "")
        except HoldfastError as error:
            log.info("pauses cannot be read: %s", error.message)
            return self._pauses
        now = self.now
        found = [Pause.parse(Manifest(tree)) for tree in trees]
        self._pauses = tuple(pause for pause in found if pause and pause.is_active(now))
        return self._pauses

    async def pauses_of(self, view: AppView) -> tuple[Pause, ...]:
        """Return the pauses that hold an Application or objects of it."""
        return tuple(
            pause
            for pause in await self.pauses()
            if self.holds(pause, view) or pause.holds_objects_of(view.key)
        )

    async def open_drifts(self) -> Counter[AppKey]:
        """Return how many objects of each Application drift now."""
        journal = self.services.journal
        if journal is None:
            return Counter()
        try:
            episodes = await journal.episodes(EpisodeFilter(open_only=True, limit=_MOST_OPEN))
        except HoldfastError as error:
            log.info("the journal cannot be read: %s", error.message)
            return Counter()
        return Counter(episode.app for episode in episodes)


def favourites_of(visit: Visit) -> frozenset[str]:
    """Return the Applications with a star: a cookie, so that the server can put them first."""
    kept = unquote(visit.request.cookies.get(FAVOURITES_COOKIE, ""))
    return frozenset(kept.split("~")) - {""}
