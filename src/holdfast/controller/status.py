"""What `status` of an Application must say, from what is known of its objects. Pure.

Fields: docs/internals/argocd/controller.md §1.6, §4.2, §5.4, §8.3. Health of each object is
written into `status.resources` (Argo CD does so only with `controller.resource.health.persist`),
because whoever reads the object has no other place to look; so the message of the Application's
health is always the current one (deviation from appendix B 21).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast.assessing.aggregate import IGNORE_HEALTH_ANNOTATION, Member, aggregate
from holdfast.controller.remembered import Target
from holdfast.controller.state import AppState, ObjectState, Registry
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.divergence import Divergence, Divergences, diverge
from holdfast.domain.drift import SyncCode
from holdfast.domain.health import Health, HealthCode
from holdfast.domain.hooks import is_hook, sync_wave
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.planning.autosync import ComparedResource
from holdfast.planning.links import external_urls
from holdfast.planning.options import (
    compare_options,
    requires_deletion_confirmation,
    resource_options,
)
from holdfast.planning.permits import is_live_permitted
from holdfast.planning.tracking import Tracking, is_self_referencing

IGNORE_EXTRANEOUS = "IgnoreExtraneous"
# Up to so many objects the entries of an Application are made anew for each round (0.1 ms each):
# kept, they are a fifth of what an object takes.
_MADE_ANEW = 30


@dataclass(frozen=True, slots=True)
class ResourceView:
    """One entry of `status.resources` and what follows from it.

    Attributes:
        status: None for hooks and for objects whose tracking data is a copy.
        counts: Whether OutOfSync here makes the Application OutOfSync.
        is_protected: `Prune=false` stands on it.
        divergence: Why it is OutOfSync, as far as it counts.
    """

    key: ResourceKey
    version: str
    status: SyncCode | None
    health: Health | None
    counts: bool
    requires_pruning: bool
    is_protected: bool
    needs_confirmation: bool
    wave: int
    is_hook: bool
    is_live: bool
    divergence: Divergence
    ignores_health: bool
    images: tuple[str, ...]
    urls: tuple[str, ...] = ()

    def to_tree(self) -> Tree:
        """Return the entry; empty fields are left out."""
        tree: Tree = {
            "group": self.key.group,
            "version": self.version,
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "status": self.status.value if self.status else "",
            "hook": self.is_hook,
            "requiresPruning": self.requires_pruning,
            "requiresDeletionConfirmation": self.needs_confirmation,
            "syncWave": self.wave,
        }
        tree = {key: value for key, value in tree.items() if value}
        if self.health is not None:
            tree["health"] = _health_tree(self.health)
        return tree

    def compared(self) -> ComparedResource:
        """Return the entry for the decision about automatic sync."""
        return ComparedResource(
            self.key, self.status, self.requires_pruning, is_protected=self.is_protected
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """An Application at a glance."""

    sync: SyncCode
    health: Health
    resources: tuple[ResourceView, ...]
    images: tuple[str, ...]
    urls: tuple[str, ...] = ()


def view_objects(
    state: AppState, states: Iterable[ObjectState], registry: Registry, tracking: Tracking
) -> tuple[ResourceView, ...]:
    """Return the entries of `status.resources`, sorted by key."""
    app = state.application
    project = registry.projects.get(app.project)
    views = []
    keeps = len(state.keys) > _MADE_ANEW
    for found in states:
        if found.desired is None and (found.live is None or not found.live.is_root):
            continue
        if found.desired is None and project is not None:
            visible = is_live_permitted(project, found.key, IN_CLUSTER_SERVER, IN_CLUSTER_NAME)
            if not visible:
                continue
        declares = state.desired is not None and found.key in state.desired.manifests
        if found.app != state.key and not declares:
            continue
        if keeps:
            views.append(_find_view(state, found, tracking))
        else:
            found.view = None
            views.append(_view(state, found, tracking))
    return tuple(sorted(views, key=lambda view: view.key))


def overview(state: AppState, views: tuple[ResourceView, ...]) -> Overview:
    """Return sync status and health of the Application."""
    app = state.application
    sync = SyncCode.SYNCED
    differs = any(view.counts and view.status is SyncCode.OUT_OF_SYNC for view in views)
    if differs or _namespace_metadata_differs(app):
        sync = SyncCode.OUT_OF_SYNC
    if any(view.status is SyncCode.UNKNOWN for view in views):
        sync = SyncCode.UNKNOWN
    health = aggregate([_member(view) for view in views if not view.is_hook], app.key)
    images = sorted({image for view in views for image in view.images})
    urls = sorted({url for view in views for url in view.urls})
    return Overview(sync, health, views, tuple(images), tuple(urls))


def divergences(views: tuple[ResourceView, ...]) -> Divergences:
    """Return what is behind git and what drifted."""
    return Divergences.count((view.key, view.divergence) for view in views)


def status_tree(app: Application, seen: Overview, revisions: tuple[str, ...]) -> Tree:
    """Return `sync`, `health`, `resources` and `summary` for a completed comparison."""
    sync: Tree = {"status": seen.sync.value, "comparedTo": app.compared_to()}
    if app.is_multi_source:
        sync["revisions"] = list(revisions)
    elif revisions:
        sync["revision"] = revisions[0]
    summary: Tree = {"images": list(seen.images)} if seen.images else {}
    if seen.urls:
        summary["externalURLs"] = list(seen.urls)
    if any(
        view.key.kind == "Application" and view.key.group == "argoproj.io"
        for view in seen.resources
    ):
        summary["isAppOfApps"] = True
    return {
        "sync": sync,
        "resources": [view.to_tree() for view in seen.resources] or None,
        "summary": summary,
    }


def health_tree(app: Application, health: Health, now: str) -> Tree:
    """Return `status.health`; the time moves only when the status changes."""
    before = app.status.get("health")
    before = before if isinstance(before, dict) else {}
    tree = _health_tree(health)
    same = before.get("status") == health.code.value
    tree["lastTransitionTime"] = (before.get("lastTransitionTime") if same else None) or now
    return tree


def unknown_views(state: AppState) -> list[Tree] | None:
    """Return `status.resources` as it was, with the sync status of each entry Unknown."""
    rows = state.application.status.get("resources")
    if not isinstance(rows, list) or not rows:
        return None
    return [
        {**row, "status": SyncCode.UNKNOWN.value} if isinstance(row, dict) else row for row in rows
    ]


def shared_conditions(
    state: AppState, states: Iterable[ObjectState], owner_of: Callable[[AppState, ObjectState], str]
) -> list[Condition]:
    """Return a SharedResourceWarning for each target that another Application owns (§2.5)."""
    found = []
    for item in states:
        if item.key not in (state.desired.manifests if state.desired else ()):
            continue
        other = owner_of(state, item)
        if other:
            found.append(
                Condition(
                    ConditionType.SHARED_RESOURCE,
                    f"{item.key.kind}/{item.key.name} is part of applications {state.key} "
                    f"and {other}",
                )
            )
    return found


def _member(view: ResourceView) -> Member:
    health = view.health if view.is_live else None
    return Member(view.key, view.is_live, health, ignores_health=view.ignores_health)


def _target_of(state: AppState, found: ObjectState) -> Target | None:
    if found.app == state.key:
        return found.desired
    return state.desired.manifests.get(found.key) if state.desired is not None else None


def _find_view(state: AppState, found: ObjectState, tracking: Tracking) -> ResourceView:
    """Return the entry as it was made last if nothing that it is made of has changed.

    Unpacking a thousand objects for each round would block the heal lane (apply.md C1).
    """
    options = state.application.sync_policy.options
    target, is_own = _target_of(state, found), found.app == state.key
    applied = found.applied.hash if found.applied is not None else None
    live, drift = found.live, found.drift
    made_of = (target, is_own, live, found.sync, options, tracking, applied, drift)
    if found.view is None or found.view[0] != made_of:
        found.view = (made_of, _view(state, found, tracking))
    view: ResourceView = found.view[1]
    return view


def _view(state: AppState, found: ObjectState, tracking: Tracking) -> ResourceView:
    app, declared = state.application, _target_of(state, found)
    target = declared.manifest if declared is not None else None
    live = found.live.manifest if found.live is not None else None
    one = target or live
    assert one is not None  # noqa: S101 - the caller filtered objects with neither
    hook = one if live is None else live
    own = is_self_referencing(live, target, tracking)
    hooked = is_hook(hook)
    status: SyncCode | None
    if hooked or not own:
        status = None
    elif target is None or live is None or found.app != state.key:
        status = SyncCode.OUT_OF_SYNC
    else:
        status = found.sync or SyncCode.UNKNOWN
    extra = target is None and live is not None
    ignored = extra and IGNORE_EXTRANEOUS in compare_options(live)
    health = found.live.health if found.live is not None else Health(HealthCode.MISSING)
    return ResourceView(
        key=found.key,
        version=(live or one).version,
        status=status,
        health=health,
        counts=not ignored,
        requires_pruning=extra and own and not hooked,
        is_protected="Prune=false" in resource_options(live),
        needs_confirmation=requires_deletion_confirmation(target, live, app.sync_policy.options),
        wave=sync_wave(one),
        is_hook=hooked,
        is_live=live is not None,
        divergence=Divergence.NEITHER if ignored else _divergence(state, found, status),
        ignores_health=live is not None and live.annotation(IGNORE_HEALTH_ANNOTATION) == "true",
        images=tuple(_images(live)),
        urls=external_urls(live) if live is not None else (),
    )


def _divergence(state: AppState, found: ObjectState, status: SyncCode | None) -> Divergence:
    if found.app != state.key:
        return Divergence.NEITHER  # another Application's; a condition says so
    declared = found.desired.hash if found.desired is not None else None
    applied = found.applied.hash if found.applied is not None else None
    return diverge(status, declared, applied, drifts=found.drift is not None)


def _namespace_metadata_differs(app: Application) -> bool:
    wanted = app.sync_policy.managed_namespace_metadata
    if not wanted:
        return False
    result = (app.operation_state or {}).get("syncResult")
    recorded = result.get("managedNamespaceMetadata") if isinstance(result, dict) else None
    return bool(recorded != wanted)


def _health_tree(health: Health) -> Tree:
    tree: Tree = {"status": health.code.value}
    if health.message:
        tree["message"] = health.message
    return tree


def _images(live: Manifest | None) -> list[str]:
    """Images of a Pod, or of the pods that a workload makes (§8.5)."""
    if live is None:
        return []
    spec: JSON = live.at("spec") if live.kind == "Pod" else live.at("spec", "template", "spec")
    if not isinstance(spec, dict):
        spec = live.at("spec", "jobTemplate", "spec", "template", "spec")
    if not isinstance(spec, dict):
        return []
    return [
        str(container["image"])
        for block in ("initContainers", "containers")
        for container in spec.get(block) or ()
        if isinstance(container, dict) and container.get("image")
    ]
