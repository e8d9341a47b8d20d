"""The one gate in front of every write to a declared object (DESIGN §8.5).

`authorize_write` alone builds `Authorized`; the writing methods of the cluster port demand one. A
test looks through the whole source for other places that build it.

First matching rule wins:
  1. the kind is not known             -> Refused, `failed to get API resource info for …`
  2. the kind (or name) is not allowed -> Refused, `resource <group>:<Kind> is not permitted …`
  3. its namespace is not allowed      -> Refused, `namespace <ns> is not permitted …`
  4. otherwise                         -> Authorized

An unknown kind is refused because its scope decides which list applies: guessing "namespaced"
would let a cluster-scoped object past the stricter list.

Source: controller.md §1.8, §6.4 step 2.
"""

from dataclasses import dataclass

from holdfast.domain.identity import AppKey, ResourceKey
from holdfast.domain.kinds import KindInfo
from holdfast.domain.plan import Authorized, Purpose, Refused, Verb
from holdfast.domain.project import Project
from holdfast.planning.permits import is_destination_permitted, is_kind_permitted


@dataclass(frozen=True, slots=True)
class WriteScope:
    """On whose behalf, under which limits and to which cluster a write goes.

    Attributes:
        app: The Application that declares (or declared) the object.
        project: The limits.
        server: API URL of the destination cluster, no slash at the end.
        cluster_name: Its name, `""` when unknown.
        scoped_servers: Servers of cluster secrets that belong to the project.
    """

    app: AppKey
    project: Project
    server: str
    cluster_name: str
    scoped_servers: frozenset[str] = frozenset()


def authorize_write(
    scope: WriteScope, key: ResourceKey, verb: Verb, purpose: Purpose, kind: KindInfo | None
) -> Authorized | Refused:
    """Return the permission for one write, or why the project refuses it."""
    message = find_refusal(scope, key, kind)
    if message is not None:
        return Refused(key, message)
    return Authorized(key, verb, purpose, scope.app)


def find_refusal(scope: WriteScope, key: ResourceKey, kind: KindInfo | None) -> str | None:
    """Return Argo CD's sentence when the project does not permit the object, else None."""
    if kind is None:
        return f"failed to get API resource info for {key.group_kind}"
    project = scope.project
    if not is_kind_permitted(project, key, namespaced=kind.namespaced):
        return f"resource {key.group}:{key.kind} is not permitted in project {project.name}"
    if kind.namespaced and not is_destination_permitted(
        project,
        scope.server,
        scope.cluster_name,
        key.namespace,
        scoped_servers=scope.scoped_servers,
    ):
        return f"namespace {key.namespace} is not permitted in project '{project.name}'"
    return None
