"""Which resources are served now: the built-in ones and those of the CRDs."""

from collections.abc import Iterable

from holdfast.sandbox.kinds.builtin import builtin_resources
from holdfast.sandbox.kinds.resource import Resource, ResourceId


class Registry:
    """The served resources, by path and by kind.

    `revision` grows whenever the set changes; discovery documents are cached by it.
    """

    def __init__(self, builtin: Iterable[Resource] | None = None) -> None:
        """Start with the built-in resources."""
        self._builtin = tuple(builtin if builtin is not None else builtin_resources())
        self._custom: dict[str, tuple[Resource, ...]] = {}
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str, str], Resource] = {}
        self._by_id: dict[ResourceId, Resource] = {}
        self.revision = 0
        self._index()

    def _index(self) -> None:
        self._by_path.clear()
        self._by_kind.clear()
        self._by_id.clear()
        for resource in self.all():
            self._by_path[resource.group, resource.version, resource.plural] = resource
            self._by_kind[resource.group, resource.version, resource.kind] = resource
            known = self._by_id.get(resource.id)
            if known is None or resource.api_version == resource.storage_api_version:
                self._by_id[resource.id] = resource
        self.revision += 1

    def all(self) -> tuple[Resource, ...]:
        """Return every served resource: built-in, then custom by name of the CRD."""
        custom = (row for name in sorted(self._custom) for row in self._custom[name])
        return (*self._builtin, *custom)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return what is served at `/apis/<group>/<version>/<plural>`, or None."""
        return self._by_path.get((group, version, plural))

    def find_kind(self, group: str, version: str, kind: str) -> Resource | None:
        """Return the resource of a kind in one version, or None."""
        return self._by_kind.get((group, version, kind))

    def find_id(self, resource: ResourceId) -> Resource | None:
        """Return a resource in the version in which it is stored, or None."""
        return self._by_id.get(resource)

    def serves_group_version(self, group: str, version: str) -> bool:
        """Whether anything is served under this API version."""
        return any(row.group == group and row.version == version for row in self.all())

    def serves_group(self, group: str) -> bool:
        """Whether anything is served in this API group."""
        return any(row.group == group for row in self.all())

    def group_versions(self) -> list[tuple[str, list[str]]]:
        """Return each group with its versions, the preferred one first."""
        groups: dict[str, list[str]] = {}
        for resource in self._builtin:
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        custom: dict[str, set[str]] = {}
        for rows in self._custom.values():
            for row in rows:
                custom.setdefault(row.group, set()).add(row.version)
        for group in sorted(custom):
            versions = groups.setdefault(group, [])
            fresh = custom[group] - set(versions)
            versions.extend(sorted(fresh, key=version_priority, reverse=True))
        return list(groups.items())

    def in_group_version(self, group: str, version: str) -> list[Resource]:
        """Return the resources of one API version, by name."""
        rows = [row for row in self.all() if row.group == group and row.version == version]
        return sorted(rows, key=lambda row: row.plural)

    def custom(self, crd_name: str) -> tuple[Resource, ...]:
        """Return what a CRD serves now."""
        return self._custom.get(crd_name, ())

    def set_custom(self, crd_name: str, resources: tuple[Resource, ...]) -> None:
        """Serve the versions of a CRD; an empty tuple takes it away."""
        if not resources and crd_name not in self._custom:
            return
        if resources:
            self._custom[crd_name] = resources
        else:
            del self._custom[crd_name]
        self._index()


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Order API versions as Kubernetes does: v2 > v1 > v1beta2 > v1alpha1 > anything else."""
    rest = version[1:] if version.startswith("v") else ""
    for rank, word in ((1, "beta"), (0, "alpha")):
        major, found, minor = rest.partition(word)
        if found and major.isdigit() and (minor.isdigit() or not minor):
            return rank, int(major), int(minor or 0), ""
    if rest.isdigit():
        return 2, int(rest), 0, ""
    return -1, 0, 0, version
