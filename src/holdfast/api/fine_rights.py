"""Rights on one object of an Application (docs/internals/argocd/api.md §3.6).

`update` and `delete` may be given for single objects, `delete/apps/Deployment/prod/web`. Whether
the right on the whole Application counts for its objects as well is a setting of Argo CD's.
"""

from typing import Any

from holdfast.api.applications import APPLICATIONS, target_of
from holdfast.api.call import Call
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Tree

NO_INHERITANCE = "server.rbac.disableApplicationFineGrainedRBACInheritance"


def fine_action(action: str, key: ResourceKey) -> str:
    """Return the action on one object as roles name it."""
    return f"{action}/{key.group}/{key.kind}/{key.namespace}/{key.name}"


def may_on_object(call: Call[Any, Any], tree: Tree, action: str, key: ResourceKey) -> bool:
    """Whether the caller may `update` or `delete` one object of an Application."""
    target = target_of(call, tree)
    inherits = not call.services.settings.switch(NO_INHERITANCE, default=True)
    if inherits and call.may(APPLICATIONS, action, target):
        return True
    return call.may(APPLICATIONS, fine_action(action, key), target)
