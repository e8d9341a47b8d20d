"""Global projects: limits that other projects inherit (`globalProjects` of argocd-cm).

A project whose labels match the selector of an entry gets the lists of the named project appended
to its own: sources, destinations, kinds allowed and denied, sync windows. Appended as in Argo CD,
so a project without a list of allowed namespaced kinds (all are allowed) is limited by inheriting
one.

Source: controller.md §1.8.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from holdfast.domain.manifest import JSON, Manifest
from holdfast.domain.project import Project

_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, manifest: Manifest) -> bool:
        """Whether the labels of an object fulfil it."""
        value = manifest.label(self.key)
        if self.operator == "Exists":
            return value is not None
        if self.operator == "DoesNotExist":
            return value is None
        return (value in self.values) is (self.operator == "In")


@dataclass(frozen=True, slots=True)
class GlobalProject:
    """One entry: who is inherited from, and by whom. No requirement: by every project."""

    name: str
    requirements: tuple[Requirement, ...] = ()


def parse_global_projects(value: JSON) -> tuple[GlobalProject, ...]:
    """Read the list.

    Raises:
        ValueError: an entry is none; the text says which and why. Limits that cannot be read are
            never half applied.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError("is no list")
    return tuple(_entry(item, place) for place, item in enumerate(value, start=1))


def with_inherited(
    project: Project, known: Mapping[str, Project], entries: Iterable[GlobalProject]
) -> Project:
    """Return the project with what it inherits; the same one where nothing matches."""
    for entry in entries:
        source = known.get(entry.name)
        if source is None or source.name == project.name:
            continue
        if all(item.holds(project.manifest) for item in entry.requirements):
            project = _joined(project, source)
    return project


def _joined(project: Project, source: Project) -> Project:
    whitelist = (*(project.namespace_whitelist or ()), *(source.namespace_whitelist or ()))
    return replace(
        project,
        source_repos=(*project.source_repos, *source.source_repos),
        destinations=(*project.destinations, *source.destinations),
        cluster_whitelist=(*project.cluster_whitelist, *source.cluster_whitelist),
        cluster_blacklist=(*project.cluster_blacklist, *source.cluster_blacklist),
        namespace_whitelist=whitelist or project.namespace_whitelist,
        namespace_blacklist=(*project.namespace_blacklist, *source.namespace_blacklist),
        has_sync_windows=project.has_sync_windows or source.has_sync_windows,
    )


def _entry(item: JSON, place: int) -> GlobalProject:
    name = item.get("projectName") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(name, str) or not name:
        raise ValueError(f"entry {place} names no project")
    selector = item.get("labelSelector") or {}
    if not isinstance(selector, dict):
        raise ValueError(f"entry {place} ({name}): labelSelector is no object")
    labels = selector.get("matchLabels") or {}
    found = [Requirement(str(k), "In", frozenset({str(v)})) for k, v in labels.items()]
    for row in selector.get("matchExpressions") or ():
        operator = str(row.get("operator") or "")
        if operator not in _OPERATORS:
            raise ValueError(f"entry {place} ({name}): there is no operator {operator!r}")
        values = frozenset(str(value) for value in row.get("values") or ())
        found.append(Requirement(str(row.get("key") or ""), operator, values))
    return GlobalProject(name, tuple(found))
