"""Sync, roll back, stop (docs/internals/argocd/api.md §1.6.7-§1.6.9)."""

from typing import Any

from holdfast.api.applications import demand_application, key_of, target_of, which
from holdfast.api.call import Call
from holdfast.api.failures import ApiError, Code, invalid
from holdfast.api.models.applications import (
    Application,
    ApplicationQuery,
    RollbackBody,
    SyncBody,
)
from holdfast.api.models.base import Nothing
from holdfast.api.table import Route
from holdfast.domain.commands import RollBackApplication, SyncApplication, TerminateOperation
from holdfast.domain.manifest import Tree
from holdfast.domain.operation import SelectedResource

_NAME = "/api/v1/applications/{name}"
_ENFORCE_ROLLBACK = "server.rbac.rollback.enforce.enable"
_OVERRIDE_FOR_REVISION = "application.sync.requireOverridePrivilegeForRevisionSync"
_REPLACE_ALLOWED = "server.sync.replace.allowed"


async def _sync(call: Call[ApplicationQuery, SyncBody]) -> Tree:
    body = call.body
    asked = which(call, body)
    await demand_application(call, "get", asked, fresh=True)
    tree = await demand_application(call, "sync", asked, fresh=True)
    _demand_override(call, tree, body)
    if tree["metadata"].get("deletionTimestamp"):
        raise ApiError(Code.FAILED_PRECONDITION, "application is deleting")
    options = body.sync_options.items if body.sync_options is not None else None
    if "Replace=true" in (options or ()) and not call.services.settings.switch(
        _REPLACE_ALLOWED, default=True
    ):
        raise ApiError(Code.FAILED_PRECONDITION, "sync with replace was disabled on the API server")
    strategy, force = _strategy(body.strategy)
    command = SyncApplication(
        key_of(tree),
        revision=body.revision,
        revisions=body.revisions,
        prune=body.prune,
        dry_run=body.dry_run,
        strategy=strategy,
        force=force,
        resources=tuple(
            SelectedResource(item.group, item.kind, item.namespace, item.name)
            for item in body.resources
        ),
        options=options,
        retry=body.retry_strategy,
        manifests=body.manifests,
        info=tuple((item.name, item.value) for item in body.infos),
    )
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


def _demand_override(call: Call[Any, SyncBody], tree: Tree, body: SyncBody) -> None:
    """Local manifests, and if so configured another revision, need `override`."""
    source = (tree.get("spec") or {}).get("source") or {}
    other = bool(body.revision) and body.revision != (source.get("targetRevision") or "HEAD")
    asks = call.services.settings.switch(_OVERRIDE_FOR_REVISION)
    if body.manifests is not None or (other and asks):
        call.demand("applications", "override", target_of(call, tree))


async def _roll_back(call: Call[ApplicationQuery, RollbackBody]) -> Tree:
    body = call.body
    enforces = call.services.settings.switch(_ENFORCE_ROLLBACK)
    action = "rollback" if enforces else "sync"
    asked = which(call, body)
    tree = await demand_application(call, action, asked, fresh=True)
    if tree["metadata"].get("deletionTimestamp"):
        raise ApiError(Code.FAILED_PRECONDITION, "application is deleting")
    command = RollBackApplication(key_of(tree), body.id, body.prune, body.dry_run)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return done.tree or {}


async def _terminate(call: Call[ApplicationQuery, None]) -> Tree:
    asked = which(call, call.query)
    tree = await demand_application(call, "sync", asked, fresh=True)
    await call.services.commands.carry_out(TerminateOperation(key_of(tree)), call.caller.username)
    return {}


def _strategy(wanted: dict[str, dict[str, Any]] | None) -> tuple[str, bool]:
    """Return `apply` or `hook`, and whether to force."""
    if not wanted:
        return "hook", False
    for name in ("apply", "hook"):
        if name in wanted:
            return name, bool((wanted[name] or {}).get("force"))
    raise invalid("strategy: give `apply` or `hook`")


ROUTES = (
    Route("POST", f"{_NAME}/sync", _sync, "Begin a sync.", query=ApplicationQuery,
          body=SyncBody, answer=Application, optional_body=True),
    Route("POST", f"{_NAME}/rollback", _roll_back, "Go back to an entry of the history.",
          query=ApplicationQuery, body=RollbackBody, answer=Application),
    Route("DELETE", f"{_NAME}/operation", _terminate, "Stop the running operation.",
          query=ApplicationQuery, answer=Nothing),
)  # fmt: skip
