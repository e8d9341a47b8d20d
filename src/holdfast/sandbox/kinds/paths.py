"""Read a request's path: which resource, which object, which subresource."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What a path under `/api` or `/apis` means.

    Attributes:
        group: API group, `""` for core.
        version: API version.
        plural: Resource, `""` when the path ends at the version.
        namespace: Namespace, `""` for none or all.
        name: Object, `""` for the collection.
        subresource: `status`, `scale` …, `""` for the object itself.
        rest: What follows the subresource (`proxy` only).
    """

    group: str
    version: str
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


def parse_target(path: str) -> Target | None:
    """Return what an API path means; None for the roots of discovery and other paths."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    if parts[0] == "api" and len(parts) >= 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    # /namespaces/<name>[/status|/finalize] is the Namespace itself, anything else lies inside it.
    inside = len(rest) >= 3 and rest[0] == "namespaces" and rest[2] not in {"status", "finalize"}
    if inside:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest[:3], "", "", "")[:3]
    return Target(group, version, plural, namespace, name, subresource, "/".join(rest[3:]))
