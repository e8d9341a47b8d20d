"""What a project permits: sources, destinations, kinds (controller.md §1.8).

`!` in front of a glob denies. A list of sources that holds only denials allows everything else:
Argo CD does so too (appendix B 17), and a project that relied on it must not change its meaning.
"""

import re

from holdfast.domain.application import Application
from holdfast.domain.globs import is_glob, matches_glob, matches_path_glob
from holdfast.domain.identity import ResourceKey
from holdfast.domain.project import AllowedDestination, KindRule, Project


def is_source_permitted(project: Project, repo_url: str) -> bool:
    """Whether Applications of the project may use this repository."""
    url = normalize_repo_url(repo_url)
    is_permitted = False
    for pattern in project.source_repos:
        is_denial = pattern.startswith("!")
        wanted = normalize_repo_url(pattern.removeprefix("!"))
        hit = wanted == "*" or matches_glob(wanted, url, separator="/")
        if is_denial and (hit or not is_glob(wanted, separator="/")):
            return False
        is_permitted = is_permitted or is_denial or hit
    return is_permitted


def is_destination_permitted(
    project: Project,
    server: str,
    name: str,
    namespace: str,
    *,
    scoped_servers: frozenset[str] = frozenset(),
) -> bool:
    """Whether the project may write to a namespace of a cluster.

    Args:
        project: The project.
        server: API URL of the cluster, without a slash at the end.
        name: Name of the cluster; `""` when unknown matches no name.
        namespace: The namespace; `""` for none.
        scoped_servers: Servers of the cluster secrets that belong to this project.
    """
    if _is_scoped(project) and server not in scoped_servers:
        return False
    is_permitted = False
    for item in project.destinations:
        hit = _Hit(item, server, name, namespace)
        if hit.is_denied:
            return False
        is_permitted = is_permitted or hit.is_matched
    return is_permitted or (server in scoped_servers)


def is_kind_permitted(project: Project, key: ResourceKey, *, namespaced: bool) -> bool:
    """Whether the white and black lists let objects of this kind (and name) through.

    A missing whitelist allows every namespaced kind, and no cluster-scoped one.
    """
    if namespaced:
        allowed = project.namespace_whitelist is None or _is_listed(
            project.namespace_whitelist, key
        )
        return allowed and not _is_listed(project.namespace_blacklist, key)
    return _is_listed(project.cluster_whitelist, key) and not _is_listed(
        project.cluster_blacklist, key
    )


def is_live_permitted(project: Project, key: ResourceKey, server: str, name: str) -> bool:
    """Whether a live object is visible to compare, prune and delete at all."""
    if not key.namespace:
        return is_kind_permitted(project, key, namespaced=False)
    return is_kind_permitted(project, key, namespaced=True) and is_destination_permitted(
        project, server, name, key.namespace
    )


def is_usable_from(project: Project, app: Application, control_namespace: str) -> bool:
    """Whether Applications of this namespace may name the project (`sourceNamespaces`)."""
    namespace = app.key.namespace
    return namespace == control_namespace or any(
        _matches_namespace(pattern, namespace) for pattern in project.source_namespaces
    )


def normalize_repo_url(url: str) -> str:
    """Return the form in which repository URLs are compared.

    Lower case, no `.git`, no slash at the end; `git@host:path` and `ssh://git@host/path` are one.
    """
    url = url.strip().lower().rstrip("/")
    url = url.removesuffix(".git")
    if "://" not in url:
        scp = re.fullmatch(r"([^/@:]+@[^/:]+):(.*)", url)
        return f"{scp[1]}/{scp[2].lstrip('/')}" if scp else url
    return url.removeprefix("ssh://")


class _Hit:
    """How one destination entry stands to one destination."""

    def __init__(self, item: AllowedDestination, server: str, name: str, namespace: str) -> None:
        has_server = bool(server) and _matches_entry(item.server, server)
        has_name = bool(name) and _matches_entry(item.name, name)
        has_namespace = _matches_entry(item.namespace, namespace)
        self.is_matched = (has_server or has_name) and has_namespace
        self.is_denied = (
            _denies(item.name, name)
            or (_denies(item.server, server) and has_namespace)
            or (_denies(item.namespace, namespace) and has_server)
        )


def _matches_entry(pattern: str, value: str) -> bool:
    if pattern.startswith("!"):
        return not matches_glob(pattern[1:], value)
    return matches_glob(pattern, value)


def _denies(pattern: str, value: str) -> bool:
    """A denial that cannot be read denies: the author meant to forbid something."""
    return pattern.startswith("!") and (
        matches_glob(pattern[1:], value) or not is_glob(pattern[1:])
    )


def _is_listed(rules: tuple[KindRule, ...], key: ResourceKey) -> bool:
    return any(
        matches_path_glob(rule.group, key.group)
        and matches_path_glob(rule.kind, key.kind)
        and (not rule.name or matches_path_glob(rule.name, key.name))
        for rule in rules
    )


def _is_scoped(project: Project) -> bool:
    return project.manifest.at("spec", "permitOnlyProjectScopedClusters") is True


def _matches_namespace(pattern: str, namespace: str) -> bool:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        try:
            return re.search(pattern[1:-1], namespace) is not None
        except re.error:
            return False
    return matches_glob(pattern, namespace)
