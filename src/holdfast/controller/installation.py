"""What the installation's ConfigMap `argocd-cm` says, as far as the controller needs it.

Keys and defaults: docs/internals/argocd/controller.md §2.1, §4.4, §10.3. A key that this version
does not evaluate is named by `InstallationSettings.not_built`, never ignored in silence.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.domain.application import IgnoreRule, parse_ignore_rule
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.kit.yamlio import load_one
from holdfast.planning.exclusions import ResourceFilter
from holdfast.planning.global_projects import GlobalProject, parse_global_projects
from holdfast.planning.tracking import DEFAULT_INSTANCE_LABEL, Tracking, TrackingMethod

log = logging.getLogger(__name__)

CONFIG_MAP_NAME = "argocd-cm"
_CUSTOMIZATIONS = "resource.customizations"
_IGNORE_PREFIX = f"{_CUSTOMIZATIONS}.ignoreDifferences."
_NOT_BUILT_PREFIXES = (
    f"{_CUSTOMIZATIONS}.health.",
    f"{_CUSTOMIZATIONS}.actions.",
    f"{_CUSTOMIZATIONS}.knownTypeFields.",
)
_RENDERER_PREFIXES = ("kustomize.", "helm.", "jsonnet.")


@dataclass(frozen=True, slots=True)
class InstallationSettings:
    """What the installation's ConfigMaps say; defaults are Argo CD's.

    Attributes:
        tracking: How objects are marked as ours.
        ignore_rules: System-level ignore rules.
        kinds: Kinds that are never looked at.
        renderer: Keys that matter to renderers, as written.
        global_projects: Projects from which others inherit limits.
        not_built: Keys whose meaning this version does not have.
    """

    tracking: Tracking = field(default_factory=Tracking)
    ignore_rules: tuple[IgnoreRule, ...] = ()
    kinds: ResourceFilter = field(default_factory=ResourceFilter)
    renderer: tuple[tuple[str, str], ...] = ()
    global_projects: tuple[GlobalProject, ...] = ()
    not_built: tuple[str, ...] = ()


def read_installation(config_map: Manifest | None) -> InstallationSettings:
    """Read `argocd-cm`; a value that does not parse is logged and counts as absent."""
    data = config_map.at("data") if config_map is not None else None
    data = data if isinstance(data, dict) else {}
    method = str(data.get("application.resourceTrackingMethod") or "")
    tracking = Tracking(
        method=TrackingMethod.parse(method),
        instance_label=str(data.get("application.instanceLabelKey") or DEFAULT_INSTANCE_LABEL),
        installation_id=str(data.get("installationID") or ""),
    )
    inherited, unread = _global_projects(data)
    return InstallationSettings(
        tracking=tracking,
        ignore_rules=tuple(_ignore_rules(data)),
        kinds=_kinds(data),
        renderer=tuple(
            sorted(
                (key, str(value))
                for key, value in data.items()
                if key.startswith(_RENDERER_PREFIXES)
            )
        ),
        global_projects=inherited,
        not_built=tuple(sorted([*_not_built(data), *unread])),
    )


def _ignore_rules(data: Mapping[str, JSON]) -> list[IgnoreRule]:
    rules = []
    for key, text in sorted(data.items()):
        if not key.startswith(_IGNORE_PREFIX):
            continue
        block = _parse(key, text)
        if isinstance(block, dict):
            name = key.removeprefix(_IGNORE_PREFIX)
            rules.append(_system_rule(name, block))
    return rules


def _system_rule(name: str, block: Tree) -> IgnoreRule:
    """`all`, `<Kind>` of the core group, or `<group>_<Kind>`."""
    group, separator, kind = name.rpartition("_")
    if name == "all":
        group, kind = "*", "*"
    elif not separator:
        group, kind = "", name
    return parse_ignore_rule({**block, "group": group, "kind": kind})


def _kinds(data: Mapping[str, JSON]) -> ResourceFilter:
    lists = [
        _parse(key, data[key]) if key in data else None
        for key in ("resource.exclusions", "resource.inclusions")
    ]
    return ResourceFilter.parse(lists[0], lists[1])


def _global_projects(data: Mapping[str, JSON]) -> tuple[tuple[GlobalProject, ...], list[str]]:
    """Return the entries; where they cannot be read none holds, and a condition says so."""
    key = "globalProjects"
    try:
        text = data.get(key)
        return parse_global_projects(load_one(str(text)) if text else None), []
    except (HoldfastError, ValueError) as error:
        log.warning("setting ignored key=%s reason=%s", key, error)
        return (), [f"{key} ({error})"]


def _not_built(data: Mapping[str, JSON]) -> list[str]:
    found = [key for key in data if key.startswith(_NOT_BUILT_PREFIXES)]
    if data.get(_CUSTOMIZATIONS):
        found.append(_CUSTOMIZATIONS)
    return found


def _parse(key: str, text: JSON) -> JSON:
    try:
        return load_one(str(text))
    except HoldfastError as error:
        log.warning("setting ignored key=%s reason=%s", key, error)
    except ValueError as error:
        log.warning("setting ignored key=%s reason=%s", key, error)
    return None
