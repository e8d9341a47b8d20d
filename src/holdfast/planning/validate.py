"""Whether the spec of an Application is usable at all (controller.md §1.4).

Any condition stops the round before comparison: sync and health become Unknown.
"""

from dataclasses import dataclass

from holdfast.domain.application import (
    IN_CLUSTER_NAME,
    IN_CLUSTER_SERVER,
    Application,
    Destination,
)
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.project import Project
from holdfast.domain.source import Source
from holdfast.planning.permits import (
    is_destination_permitted,
    is_source_permitted,
    is_usable_from,
)


@dataclass(frozen=True, slots=True)
class KnownCluster:
    """A cluster that destinations can name."""

    server: str
    name: str


IN_CLUSTER = KnownCluster(IN_CLUSTER_SERVER, IN_CLUSTER_NAME)


def validate_spec(
    app: Application,
    project: Project | None,
    control_namespace: str,
    clusters: tuple[KnownCluster, ...] = (IN_CLUSTER,),
) -> tuple[Condition, ...]:
    """Return what is wrong with the spec; empty when the round may go on.

    Args:
        app: The Application.
        project: The AppProject it names, None when there is none of that name.
        control_namespace: Where the controller, the projects and most Applications live.
        clusters: Every cluster a destination may name.
    """
    if project is None:
        return (_invalid(f"Application referencing project {app.project} which does not exist"),)
    if not is_usable_from(project, app, control_namespace):
        message = (
            f"application '{app.key.name}' in namespace '{app.key.namespace}' is not permitted "
            f"to use project '{app.project}'"
        )
        return (Condition(ConditionType.UNKNOWN_ERROR, message),)
    messages = [*_check_sources(app, project), *_check_destination(app, project, clusters)]
    return tuple(_invalid(message) for message in dict.fromkeys(messages))


def resolve_destination(
    destination: Destination, clusters: tuple[KnownCluster, ...] = (IN_CLUSTER,)
) -> KnownCluster | str:
    """Return the cluster that a destination names, or the sentence that says why there is none."""
    if destination.server and destination.name:
        return (
            "application destination can't have both name and server defined: "
            f"{destination.name} {destination.server}"
        )
    if destination.name:
        named = [cluster for cluster in clusters if cluster.name == destination.name]
        if len(named) > 1:
            servers = " ".join(cluster.server for cluster in named)
            return f"there are {len(named)} clusters with the same name: [{servers}]"
        return named[0] if named else f"there are no clusters with this name: {destination.name}"
    if not destination.server:
        return "Destination server missing from app spec"
    for cluster in clusters:
        if cluster.server.rstrip("/") == destination.server:
            return cluster
    return f"there are no clusters with this server: {destination.server}"


def _check_sources(app: Application, project: Project) -> list[str]:
    if app.is_hydrated:
        return _check_hydrator(app, project)
    if not app.sources:
        return [_SINGLE_SOURCE_INCOMPLETE]
    messages: list[str] = []
    for number, source in enumerate(app.sources, start=1):
        message = _check_source(source, number, is_multi=app.is_multi_source)
        if message:
            messages.append(message)
        elif not is_source_permitted(project, source.repo_url):
            messages.append(_forbidden_repo(source.repo_url, project))
    return messages


def _check_source(source: Source, number: int, *, is_multi: bool) -> str:
    has_place = bool(source.path or source.chart or (is_multi and source.ref))
    if not source.repo_url or not has_place:
        if not is_multi:
            return _SINGLE_SOURCE_INCOMPLETE
        label = source.name or source.repo_url or f"number {number}"
        return (
            "spec.source.repoURL and either source.path, source.chart, or source.ref are required "
            f"for source {label}"
        )
    if source.chart and not source.target_revision:
        return "spec.source.targetRevision is required if the manifest source is a helm chart"
    return ""


def _check_hydrator(app: Application, project: Project) -> list[str]:
    dry = app.manifest.at("spec", "sourceHydrator", "drySource", "repoURL") or ""
    sync = app.manifest.at("spec", "sourceHydrator", "syncSource", "repoURL") or dry
    messages = [] if is_source_permitted(project, dry) else [_forbidden_repo(dry, project)]
    if not is_source_permitted(project, sync):
        messages.append(f"sync source repo {sync} is not permitted in project '{project.name}'")
    return messages


def _check_destination(
    app: Application, project: Project, clusters: tuple[KnownCluster, ...]
) -> list[str]:
    found = resolve_destination(app.destination, clusters)
    if isinstance(found, str):
        return [f"{found}{_here(clusters)}"]
    namespace = app.destination.namespace
    if is_destination_permitted(project, found.server, found.name, namespace):
        return []
    where = app.destination.server or app.destination.name
    return [
        f"application destination server '{where}' and namespace '{namespace}' do not match any of "
        f"the allowed destinations in project '{project.name}'"
    ]


def _here(clusters: tuple[KnownCluster, ...]) -> str:
    """Say what to do where one cluster alone is known, as in this version: the one it runs on."""
    if len(clusters) != 1:
        return ""
    known = f"server {clusters[0].server} (name {clusters[0].name})"
    return f"; set spec.destination to {known}, with a namespace: no other cluster is known"


_SINGLE_SOURCE_INCOMPLETE = (
    "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
)


def _forbidden_repo(url: str, project: Project) -> str:
    return f"application repo {url} is not permitted in project '{project.name}'"


def _invalid(message: str) -> Condition:
    return Condition(ConditionType.INVALID_SPEC_ERROR, message)
