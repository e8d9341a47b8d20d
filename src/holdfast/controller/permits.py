"""Permission for each write, from what the registry knows of projects and kinds."""

from holdfast.controller.state import Registry
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.identity import GroupVersionKind, ResourceKey
from holdfast.domain.plan import Authorized, Purpose, Refused, Verb
from holdfast.domain.ports import Kinds
from holdfast.planning.authorize import WriteScope, authorize_write


class Permits:
    """Asks `planning.authorize_write` on behalf of an Application."""

    def __init__(self, registry: Registry, kinds: Kinds) -> None:
        """Keep where projects and kinds are known."""
        self._registry = registry
        self._kinds = kinds

    def find_scope(self, app: Application) -> WriteScope | None:
        """Return under which limits the Application writes; None when its project is unknown."""
        project = self._registry.projects.get(app.project)
        if project is None:
            return None
        return WriteScope(app.key, project, IN_CLUSTER_SERVER, IN_CLUSTER_NAME)

    def permit(
        self,
        app: Application,
        gvk: GroupVersionKind,
        key: ResourceKey,
        purpose: Purpose,
        verb: Verb = Verb.APPLY,
    ) -> Authorized | Refused:
        """Return the permission for one write, or why there is none."""
        scope = self.find_scope(app)
        if scope is None:
            return Refused(
                key, f"Application referencing project {app.project} which does not exist"
            )
        kind = self._kinds.find(gvk) or self._kinds.find_preferred(gvk.group_kind)
        return authorize_write(scope, key, verb, purpose, kind)
