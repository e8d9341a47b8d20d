"""From rendered manifests to targets: namespaces, tracking, duplicates, excluded kinds.

In this order (controller.md §3.8):
  1. cluster-scoped: the namespace goes; namespaced without one: the destination's is filled in
  2. tracking data is written
  3. of several objects with one identity the last stays      -> RepeatedResourceWarning
  4. excluded kinds go                                        -> ExcludedResourceWarning
  5. a namespaced object that still has no namespace          -> InvalidSpecError
  6. what server-side apply cannot express is left out        -> ReducedManifestWarning

A kind the cluster does not know yet takes its scope from a CustomResourceDefinition among the
targets; without one it counts as namespaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.identity import GroupKind, GroupVersionKind, ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.planning.definitions import FindKind, defined_kind, is_crd
from holdfast.planning.exclusions import ResourceFilter
from holdfast.planning.fitting import FindType, fit, unknown_type
from holdfast.planning.tracking import Tracking, with_tracking


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What targets depend on, beside the manifests.

    Attributes:
        instance: Instance name of the Application.
        namespace: Destination namespace, `""` for none.
        server: API URL of the destination cluster.
        tracking: Tracking settings.
        kinds: Excluded kinds.
        lenient: `Validate=false` holds for all of them.
        find_custom: The types of kinds that are not built in, as far as they are known.
    """

    instance: str
    namespace: str
    server: str
    tracking: Tracking = field(default_factory=Tracking)
    kinds: ResourceFilter = field(default_factory=ResourceFilter)
    lenient: bool = False
    find_custom: FindType = unknown_type


@dataclass(frozen=True, slots=True)
class Targets:
    """What the cluster should hold, and what was wrong on the way there.

    Attributes:
        manifests: In the order of their last appearance; hooks are still among them.
        conditions: Warnings and errors, sorted.
    """

    manifests: tuple[Manifest, ...]
    conditions: tuple[Condition, ...]


def build_targets(
    rendered: Iterable[Manifest], find_kind: FindKind, settings: TargetSettings
) -> Targets:
    """Return the targets of one Application.

    Args:
        rendered: Manifests of all sources, in order.
        find_kind: Discovery; None for a kind that is not served.
        settings: Names and rules.
    """
    manifests = tuple(rendered)
    scopes = _scopes_of_crds(manifests)
    filled = [
        _finish(manifest, _is_namespaced(manifest.gvk, find_kind, scopes), settings)
        for manifest in manifests
    ]
    unique, conditions = _keep_last(filled)
    kept: list[Manifest] = []
    for manifest in unique:
        if settings.kinds.is_excluded(manifest.key.group_kind, settings.server):
            conditions.append(_excluded(manifest))
            continue
        fitted, left_out = fit(manifest, settings.find_custom, lenient=settings.lenient)
        kept.append(fitted)
        conditions += left_out
        if not manifest.namespace and _is_namespaced(manifest.gvk, find_kind, scopes):
            conditions.append(_without_namespace(manifest))
    return Targets(tuple(kept), tuple(sorted(set(conditions))))


def _finish(manifest: Manifest, is_namespaced: bool, settings: TargetSettings) -> Manifest:
    if not is_namespaced and manifest.namespace:
        manifest = manifest.with_namespace("")
    elif is_namespaced and not manifest.namespace and settings.namespace:
        manifest = manifest.with_namespace(settings.namespace)
    return with_tracking(manifest, settings.instance, settings.namespace, settings.tracking)


def _keep_last(manifests: list[Manifest]) -> tuple[list[Manifest], list[Condition]]:
    last: dict[ResourceKey, Manifest] = {}
    counts: dict[ResourceKey, int] = {}
    for index, manifest in enumerate(manifests):
        key = _key_of(manifest, index)
        counts[key] = counts.get(key, 0) + 1
        last.pop(key, None)
        last[key] = manifest
    conditions = [_repeated(key, count) for key, count in counts.items() if count > 1]
    return list(last.values()), conditions


def _key_of(manifest: Manifest, index: int) -> ResourceKey:
    """Objects with a generated name are never the same: their place is part of the key."""
    name = manifest.name or f"{manifest.generate_name}{index}"
    return ResourceKey(manifest.group, manifest.kind, manifest.namespace, name)


def _is_namespaced(
    gvk: GroupVersionKind, find_kind: FindKind, scopes: Mapping[GroupKind, bool]
) -> bool:
    known = find_kind(gvk)
    return known.namespaced if known is not None else scopes.get(gvk.group_kind, True)


def _scopes_of_crds(manifests: Iterable[Manifest]) -> dict[GroupKind, bool]:
    crds = (manifest for manifest in manifests if is_crd(manifest))
    return {defined_kind(crd): crd.at("spec", "scope") != "Cluster" for crd in crds}


def _repeated(key: ResourceKey, count: int) -> Condition:
    where = f"{key.group}/{key.kind}/{key.namespace}/{key.name}"
    message = f"Resource {where} appeared {count} times among application resources."
    return Condition(ConditionType.REPEATED_RESOURCE, message)


def _excluded(manifest: Manifest) -> Condition:
    what = f"{manifest.group}/{manifest.kind} {manifest.name}"
    message = f"Resource {what} is excluded in the settings"
    return Condition(ConditionType.EXCLUDED_RESOURCE, message)


def _without_namespace(manifest: Manifest) -> Condition:
    gvk = f"{manifest.group}/{manifest.version}, Kind={manifest.kind}"
    message = f"Namespace for {manifest.name} {gvk} is missing."
    return Condition(ConditionType.INVALID_SPEC_ERROR, message)
