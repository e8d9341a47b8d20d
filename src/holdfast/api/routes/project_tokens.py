"""Tokens of project roles (docs/internals/argocd/api.md §1.5, §1.7, §2.2)."""

from typing import Any

from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.models.base import Nothing
from holdfast.api.models.project_tokens import ProjectTokenBody, ProjectTokenQuery
from holdfast.api.models.session import Token
from holdfast.api.table import KIB, Route
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.domain.queries import GetProject
from holdfast.domain.stored_settings import AddProjectToken, DeleteProjectToken

_ALL = "/api/v1/projects/{project}/roles/{role}/token"


async def _role(call: Call[Any, Any]) -> Tree:
    """Return the role of the path, once the caller may give its tokens.

    Who may change the project may, and who is of one of the role's groups.

    Raises:
        ApiError: 403; 404, there is no such project or role.
    """
    project, role = call.path["project"], call.path["role"]
    tree: Tree | None = None
    try:
        tree = await call.services.queries.answer(GetProject(project), call.caller.username)
    except HoldfastError as error:
        if error.code != "HF3004":
            raise
    roles = ((tree or {}).get("spec") or {}).get("roles") or []
    found: Tree | None = next((one for one in roles if one.get("name") == role), None)
    groups = set((found or {}).get("groups") or ())
    if not groups & set(call.caller.groups):
        call.demand("projects", "update", project)
    if tree is None:
        raise ApiError(Code.NOT_FOUND, f'appprojects.argoproj.io "{project}" not found')
    if found is None:
        raise ApiError(Code.NOT_FOUND, f"project '{project}' does not have role '{role}'")
    return found


async def _create(call: Call[Nothing, ProjectTokenBody]) -> Tree:
    await _role(call)
    sessions = call.services.sessions
    if sessions is None:
        raise ApiError(Code.UNIMPLEMENTED, "nobody signs in here, so there are no tokens")
    project, role, body = call.path["project"], call.path["role"], call.body
    token, record = sessions.issue_project_token(project, role, body.id, body.expires_in)
    command = AddProjectToken(project, role, record.id, record.issued_at, record.expires_at)
    await call.services.commands.carry_out(command, call.caller.username)
    return {"token": token}


async def _delete(call: Call[ProjectTokenQuery, None]) -> Tree:
    await _role(call)
    issued = call.path["iat"]
    if not issued.isdigit():
        raise invalid("iat: give the Unix second in which the token was issued")
    command = DeleteProjectToken(
        call.path["project"], call.path["role"], int(issued), call.query.id
    )
    await call.services.commands.carry_out(command, call.caller.username)
    return {}


ROUTES = (
    Route("POST", _ALL, _create, "Make a token of a project role.",
          body=ProjectTokenBody, answer=Token, optional_body=True, body_bytes=16 * KIB),
    Route("DELETE", f"{_ALL}/{{iat}}", _delete, "Take a token of a project role away.",
          query=ProjectTokenQuery, answer=Nothing),
)  # fmt: skip
