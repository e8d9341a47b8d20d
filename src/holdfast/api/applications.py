"""Find an Application for a caller, without telling more than the caller may know.

The order is the contract (docs/internals/argocd/api.md §1.6.1, §3.9):
  1. `project` was given: the action is asked about there first -> 403;
  2. the Application is missing -> 404 if `project` was given, else 403;
  3. the action on the real object -> 404 if `project` was given, else 403;
  4. it lies in another project than the given one -> 404.
So who names no project cannot tell a missing Application from a forbidden one. Our own command line
names none either: it is told that one is missing if its caller may do that in every project.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.api import own_client
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, denied
from holdfast.domain.application import no_such_application
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import GetApplication

APPLICATIONS = "applications"
_DEFAULT_PROJECT = "default"


def project_of(tree: Tree) -> str:
    """Return the project that an Application is in."""
    return str((tree.get("spec") or {}).get("project") or _DEFAULT_PROJECT)


def key_of(tree: Tree) -> AppKey:
    """Return namespace and name of an Application."""
    metadata = tree["metadata"]
    return AppKey(str(metadata.get("namespace") or ""), str(metadata["name"]))


def rbac_name(project: str, app: AppKey, control_namespace: str) -> str:
    """Return the object of a role's rule (api.md §3.5)."""
    if app.namespace in ("", control_namespace):
        return f"{project}/{app.name}"
    return f"{project}/{app.namespace}/{app.name}"


def target_of(call: Call[Any, Any], tree: Tree) -> str:
    """Return the object of a role's rule for an Application."""
    return rbac_name(project_of(tree), key_of(tree), call.services.facts.control_namespace)


@dataclass(frozen=True, slots=True)
class Which:
    """The Application that a request names.

    Attributes:
        name: Of the Application.
        namespace: `appNamespace`; `""` is the control namespace.
        project: As the caller gave it, `""` for not at all.
    """

    name: str
    namespace: str = ""
    project: str = ""


class _Named(Protocol):
    """A query or body that names an Application (`models.applications.ApplicationQuery`)."""

    @property
    def app_namespace(self) -> str: ...

    @property
    def project(self) -> str: ...


def which(call: Call[Any, Any], named: _Named) -> Which:
    """Return what a path and a query (or body) name."""
    return Which(call.path["name"], named.app_namespace, named.project)


async def demand_application(
    call: Call[Any, Any], action: str, asked: Which, *, fresh: bool = False
) -> Tree:
    """Return an Application on which the caller may do something.

    Args:
        call: The request.
        action: As roles name it: `get`, `sync`, `update/apps/Deployment/ns/web` …
        asked: Which Application.
        fresh: Ask the API server instead of our live copies.

    Raises:
        ApiError: 403 or 404, as the module says.
    """
    control = call.services.facts.control_namespace
    app = AppKey(asked.namespace or control, asked.name)
    in_project = asked.project
    if in_project and not call.may(APPLICATIONS, action, rbac_name(in_project, app, control)):
        raise denied()
    missing = (
        ApiError(Code.NOT_FOUND, f'applications.argoproj.io "{app.name}" not found')
        if in_project
        else denied()
    )
    tree = await _read(call, app) if fresh else call.services.applications.find(app)
    if tree is None and not in_project and own_client.speaks_ours(call.request):
        _tell_missing(call, action, app)
    if tree is None or not call.may(APPLICATIONS, action, target_of(call, tree)):
        raise missing
    if in_project and project_of(tree) != in_project:
        raise missing
    return tree


def _tell_missing(call: Call[Any, Any], action: str, app: AppKey) -> None:
    """Say that there is none, to somebody who learns nothing from it.

    Raises:
        ConfigurationError: HF3003.
    """
    anywhere = rbac_name("*", app, call.services.facts.control_namespace)
    if call.may(APPLICATIONS, action, anywhere):
        raise no_such_application(app)


def demand_move(call: Call[Any, Any], before: Tree, spec: Tree) -> None:
    """Refuse a spec that moves an Application where the caller may not.

    Another project needs `create` and `update` there, and `update` here (api.md §1.6.5).

    Raises:
        ApiError: 403.
    """
    project = str(spec.get("project") or _DEFAULT_PROJECT)
    control = call.services.facts.control_namespace
    target = rbac_name(project, key_of(before), control)
    if target == target_of(call, before):
        return
    call.demand(APPLICATIONS, "create", target)
    call.demand(APPLICATIONS, "update", target)


async def _read(call: Call[Any, Any], app: AppKey) -> Tree | None:
    try:
        answer = await call.services.queries.answer(GetApplication(app), call.caller.username)
    except HoldfastError as error:
        if error.code == "HF3003":
            return None
        # Any other trouble reads like a missing one: nothing is told about what may not be seen.
        if error.code.startswith("HF2") and error.code != "HF2001":
            return None
        raise
    return answer if isinstance(answer, dict) else None
