"""Build `operation` blocks, and refuse what must be refused. Pure.

Source: docs/internals/argocd/api.md §1.6.7 (sync), §1.6.8 (rollback); texts are Argo CD's.
"""

from collections.abc import Sequence

from holdfast.domain.application import Application
from holdfast.domain.commands import RollBackApplication, SyncApplication
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import JSON, Tree
from holdfast.domain.operation import SelectedResource


def check_sync(app: Application, command: SyncApplication) -> None:
    """Refuse a sync that contradicts the state of the Application.

    Raises:
        ConfigurationError: HF3006.
    """
    _check_not_deleting(app)
    automated = app.sync_policy.automated is not None and not command.dry_run
    if command.manifests is not None and automated:
        raise _refused(
            app,
            "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
            "add --dry-run",
        )
    asked = command.revisions or ((command.revision,) if command.revision else ())
    for source, revision in zip(app.sources, asked, strict=False):
        target = source.target_revision or "HEAD"
        if automated and revision and revision != target:
            raise _refused(
                app,
                f"Cannot sync to {revision}: auto-sync currently set to {target}",
                f"`holdfast app set {app.key.name} --revision {revision}` moves the target; "
                f"`--sync-policy none` switches automatic sync off",
            )


def build_sync(
    app: Application, command: SyncApplication, revisions: Sequence[str], who: str
) -> Tree:
    """Return the operation of a sync.

    Args:
        app: The Application.
        command: What was asked.
        revisions: Resolved revisions, one for each source; empty for local manifests.
        who: User name, `""` when unknown.
    """
    options = app.sync_policy.options if command.options is None else command.options
    force = {"force": True} if command.force else {}
    sync: Tree = {"syncStrategy": {"apply" if command.strategy == "apply" else "hook": force}}
    if app.is_multi_source:
        sync["sources"] = [source.tree for source in app.sources]
        sync["revisions"] = list(revisions)
    else:
        sync["source"] = app.sources[0].tree if app.sources else {"repoURL": ""}
        if revisions:
            sync["revision"] = revisions[0]
    sync.update(_set(prune=command.prune, dryRun=command.dry_run, syncOptions=list(options)))
    sync.update(_set(resources=[_resource(item) for item in command.resources]))
    if command.manifests is not None:
        sync["manifests"] = list(command.manifests)
    operation: Tree = {"sync": sync, "initiatedBy": {"username": who} if who else {}}
    if command.info:
        operation["info"] = [{"name": name, "value": value} for name, value in command.info]
    if command.retry is not None:
        operation["retry"] = command.retry
    return operation


def build_rollback(app: Application, command: RollBackApplication, who: str) -> Tree:
    """Return the operation of a rollback.

    Raises:
        ConfigurationError: HF3006, automatic sync is on, the Application is being deleted, the
            history has no such entry, or the entry is that of no commit.
    """
    _check_not_deleting(app)
    name = app.key.name
    if app.sync_policy.automated is not None:
        raise _refused(
            app,
            "rollback cannot be initiated when auto-sync is enabled",
            "automatic sync would bring the newer revision back at once; "
            f"`holdfast app set {name} --sync-policy none` switches it off",
        )
    entry = next((e for e in app.history if e.get("id") == command.history_id), None)
    if entry is None:
        raise _refused(
            app,
            f"application {name} does not have deployment with id {command.history_id}",
            f"`holdfast app history {name}` lists them",
        )
    if not (entry.get("revision") or any(entry.get("revisions") or ())):
        raise _refused(
            app,
            f"deployment {command.history_id} of {name} came from a folder (--local) and not from "
            "a commit, so that nothing is left to go back to",
            f"`holdfast app history {name}` lists the others",
        )
    sync: Tree = {"syncStrategy": {"apply": {}}}
    for key in ("revision", "revisions", "source", "sources"):
        if entry.get(key):
            sync[key] = entry[key]
    options = list(app.sync_policy.options)
    sync.update(_set(prune=command.prune, dryRun=command.dry_run, syncOptions=options))
    return {"sync": sync, "initiatedBy": {"username": who} if who else {}}


def check_idle(app: Application) -> None:
    """Refuse a second operation.

    Raises:
        ConfigurationError: HF3005.
    """
    if app.manifest.tree.get("operation"):
        raise ConfigurationError(
            "HF3005",
            "another operation is already in progress",
            about=app.key,
            hint=f"`holdfast app wait {app.key.name} --operation` waits for it; "
            f"`holdfast app terminate-op {app.key.name}` stops it",
        )


def _check_not_deleting(app: Application) -> None:
    if app.is_deleting:
        raise _refused(app, "application is deleting", "")


def _refused(app: Application, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError("HF3006", message, about=app.key, hint=hint)


def _set(**fields: JSON) -> Tree:
    """Return the fields that say something, as `omitempty` leaves the others out."""
    return {name: value for name, value in fields.items() if value}


def _resource(item: SelectedResource) -> Tree:
    tree = _set(group=item.group, namespace=item.namespace)
    return {**tree, "kind": item.kind, "name": item.name}
