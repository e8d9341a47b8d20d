"""Where watch events come in: sorts them to Applications, projects, prerequisites and objects.

Called on the event loop for every event; does no I/O and returns at once.
"""

import logging
from typing import TYPE_CHECKING

from holdfast.controller.heal_lane import HealLane
from holdfast.controller.installation import CONFIG_MAP_NAME
from holdfast.controller.objects import Objects
from holdfast.controller.packing import PackedApplication, at_rest, share_key
from holdfast.controller.state import ObjectState, Registry
from holdfast.domain.application import APPLICATION, Application
from holdfast.domain.events import Closing
from holdfast.domain.identity import AppKey, GroupVersionKind, ResourceKey
from holdfast.domain.kinds import CONFIG_MAP, CRD, NAMESPACE
from holdfast.domain.manifest import Manifest
from holdfast.domain.pause import PAUSE, Pause
from holdfast.domain.ports import EventKind, WatchScope
from holdfast.domain.project import PROJECT, Project
from holdfast.planning.tracking import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class Observer:
    """The `WatchSink` of the controller.

    Attributes:
        app_changed: Called with the old and the new form (None: added, deleted).
        kinds_changed: Called when a CRD came, changed or went.
        pauses_changed: Called when a pause came, changed or went.
        settings_changed: Called with `argocd-cm` as it is now, None when it was deleted.
        failures: What cannot be watched at present, and why.
    """

    def __init__(self, registry: Registry, objects: Objects, lane: HealLane) -> None:
        """Keep the collaborators; callbacks are set by the controller."""
        self._registry = registry
        self._objects = objects
        self._lane = lane
        self.app_changed: Callable[[AppKey, Application | None, Application | None], None] = (
            lambda _key, _old, _new: None
        )
        self.object_changed: Callable[[ObjectState], None] = lambda _state: None
        self.settings_changed: Callable[[Manifest | None], None] = lambda _manifest: None
        self.kinds_changed: Callable[[], None] = lambda: None
        self.is_selected: Callable[[Manifest], bool] = lambda _manifest: True
        self.pauses_changed: Callable[[], None] = lambda: None
        self._listed_pauses: dict[str, Pause] = {}
        self._seen_apps: dict[AppKey, PackedApplication] = {}
        self._served: dict[str, str] = {}  # by name of the CRD
        self.failures: dict[WatchScope, Exception] = {}

    def observe(self, scope: WatchScope, event: EventKind, manifest: Manifest) -> None:
        """Take one event (see `domain.ports.WatchSink`)."""
        if scope.gvk == APPLICATION:
            self._observe_app(event, manifest)
        elif scope.gvk == PROJECT:
            self._observe_project(event, manifest)
        elif scope.gvk == PAUSE:
            self._observe_pause(event, manifest)
        elif scope.gvk == NAMESPACE:
            self._observe_namespace(event, manifest)
        elif scope.gvk == CONFIG_MAP and self._is_settings(manifest):
            self.settings_changed(None if event is EventKind.DELETED else manifest)
        elif scope.gvk == CRD:
            self._observe_definition(event, manifest)
        self._observe_object(scope.gvk, event, manifest)

    def listed(self, scope: WatchScope, keys: frozenset[ResourceKey], version: int) -> None:
        """Take the end of a list: what it lacks is gone, if the list is newer than our writes."""
        self.failures.pop(scope, None)
        if scope.gvk == NAMESPACE:
            known = self._registry.namespaces or {}
            names = {key.name for key in keys}
            self._registry.namespaces = {n: gone for n, gone in known.items() if n in names}
            # What came back while the watch was broken shows in the list alone.
            self.reconsider(self._registry.index.waiting())
        if scope.gvk == CRD:
            self.kinds_changed()
        if scope.gvk == APPLICATION:
            self._listed_apps(keys)
        if scope.gvk == PAUSE:
            names = {key.name for key in keys}
            found = {**self._listed_pauses, **(self._registry.pauses or {})}
            self._registry.pauses = {n: pause for n, pause in found.items() if n in names}
            self._listed_pauses = {}
            self.pauses_changed()
        if scope.gvk == PROJECT:
            names = {key.name for key in keys}
            for name in [name for name in self._registry.projects if name not in names]:
                del self._registry.projects[name]
        for state in self._registry.of_kind(scope.gvk.group_kind):
            if _lies_in(scope, state) and state.live is not None and state.key not in keys:
                self._lane.observe_gone(state, state.live.uid, version)

    def failed(self, scope: WatchScope, error: Exception) -> None:
        """Take note that a scope cannot be watched."""
        if scope not in self.failures:
            log.warning("watch failed kind=%s reason=%s", scope.gvk, error)
        self.failures[scope] = error

    def reconsider(self, states: list[ObjectState]) -> None:
        """Look at objects again whose prerequisites or switches have changed."""
        for state in states:
            self._lane.consider(state)

    def _observe_definition(self, event: EventKind, manifest: Manifest) -> None:
        """A CRD. Discovery is asked when it serves something else than before, and only then."""
        before = self._served.pop(manifest.name, "")
        now = "" if event is EventKind.DELETED else _what_it_serves(manifest)
        if now:
            self._served[manifest.name] = now
        if event is not EventKind.LISTED and now != before:
            self.kinds_changed()

    # --- Applications and projects ------------------------------------------------------------

    def _observe_app(self, event: EventKind, manifest: Manifest) -> None:
        key = AppKey(manifest.namespace, manifest.name)
        if event is EventKind.DELETED or not self.is_selected(manifest):
            self._remove_app(key)
            return
        known = self._registry.apps.get(key)
        if known is not None and known.application.manifest.uid != manifest.uid:
            self._remove_app(key)
            known = None
        # What the watch said last, not what we know: the answer to a status write of ours may
        # have brought somebody else's change along, and that change must not go unnoticed.
        seen = self._seen_apps.get(key) if known is not None else None
        old, version = seen.unpack() if seen is not None else None, manifest.version_number
        if old is not None and version <= old.manifest.version_number:
            return
        if known is not None and known.application.manifest.version_number == version:
            packed = known.packed  # our own write, of which we kept the answer
        else:
            packed = at_rest(Application.parse(manifest))
        self._seen_apps[key], app = packed, packed.unpack()
        if known is None:
            known = self._registry.add_app(app)
            known.packed = packed
        elif version >= known.application.manifest.version_number:
            known.packed = packed
        if old is not None and _heals_more(old, app):
            self.reconsider(self._registry.objects_of(known))
        self.app_changed(key, old, app)

    def _listed_apps(self, keys: frozenset[ResourceKey]) -> None:
        there = {(key.namespace, key.name) for key in keys}
        for app in list(self._registry.apps):
            if (app.namespace, app.name) not in there:
                self._remove_app(app)

    def _remove_app(self, key: AppKey) -> None:
        known = self._registry.apps.get(key)
        for found in self._registry.objects_of(known) if known is not None else ():
            self._lane.close_episode(found, Closing.RELEASED)
        self._seen_apps.pop(key, None)
        state = self._registry.remove_app(key)
        if state is not None:
            self.app_changed(key, state.application, None)

    def _observe_project(self, event: EventKind, manifest: Manifest) -> None:
        if event is EventKind.DELETED:
            self._registry.projects.pop(manifest.name, None)
        else:
            self._registry.projects[manifest.name] = Project.parse(manifest)
        if event is EventKind.LISTED:
            return
        # A deviation (appendix B 19): Argo CD notices only at the next refresh.
        for state in self._registry.apps.values():
            if state.application.project == manifest.name:
                self.app_changed(state.key, state.application, state.application)

    def _is_settings(self, manifest: Manifest) -> bool:
        return (
            manifest.name == CONFIG_MAP_NAME
            and manifest.namespace == self._registry.control_namespace
        )

    def _observe_pause(self, event: EventKind, manifest: Manifest) -> None:
        known = self._registry.pauses if self._registry.pauses is not None else {}
        pause = Pause.parse(manifest)
        if event is EventKind.DELETED or pause is None:
            known.pop(manifest.name, None)
        else:
            known[manifest.name] = pause
        if event is EventKind.LISTED:
            # Known as a whole only at the end of the list; until then nothing is healed.
            self._listed_pauses.update(known)
            return
        self._registry.pauses = known
        self.pauses_changed()

    # --- prerequisites and objects ------------------------------------------------------------

    def _observe_namespace(self, event: EventKind, manifest: Manifest) -> None:
        if self._registry.namespaces is None:
            self._registry.namespaces = {}
        if event is EventKind.DELETED:
            self._registry.namespaces.pop(manifest.name, None)
        else:
            self._registry.namespaces[manifest.name] = manifest.is_terminating
        is_going = manifest.is_terminating and event is not EventKind.DELETED
        if event is EventKind.LISTED or is_going:
            return
        needed = ResourceKey(NAMESPACE.group, NAMESPACE.kind, "", manifest.name)
        self.reconsider(self._objects.waiting_for(needed))

    def _observe_object(self, gvk: GroupVersionKind, event: EventKind, manifest: Manifest) -> None:
        key = manifest.key
        state = self._registry.objects.get(key)
        if state is None:
            if event is EventKind.DELETED:
                self._registry.untracked.discard(key)
                return
            if owner_of(manifest, self._objects.tracking) is None:
                self._registry.untracked.add(share_key(key))
                return
            state = self._registry.object(key)
        target = state.applied or state.desired
        if target is not None and target.gvk != gvk:
            return  # the same object in a version that git does not declare (apply.md A5)
        if event is EventKind.DELETED:
            self._lane.observe_gone(state, manifest.uid, manifest.version_number, manifest)
        else:
            self._lane.observe(state, manifest)


def _lies_in(scope: WatchScope, state: ObjectState) -> bool:
    if scope.namespace is not None and state.key.namespace != scope.namespace:
        return False
    if state.live is not None and state.live.gvk == scope.gvk:
        return True
    target = state.applied or state.desired
    return target is not None and target.gvk == scope.gvk


def _heals_more(old: Application, new: Application) -> bool:
    """Whether something that held healing back is gone."""
    return (new.self_heals and not old.self_heals) or (
        old.skips_reconcile and not new.skips_reconcile
    )


def _what_it_serves(definition: Manifest) -> str:
    """Return all of a CRD that shows in discovery: names, versions, whether it is served yet."""
    versions = definition.at("spec", "versions")
    shown = [
        [one.get("name"), one.get("served"), sorted(one.get("subresources") or ())]
        for one in (versions if isinstance(versions, list) else ())
    ]
    conditions = definition.at("status", "conditions")
    states = {
        str(one.get("type")): str(one.get("status"))
        for one in (conditions if isinstance(conditions, list) else ())
    }
    spec = {key: definition.at("spec", key) for key in ("group", "names", "scope")}
    return repr((definition.uid, spec, shown, sorted(states.items()), definition.is_terminating))
