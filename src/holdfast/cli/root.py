"""The tree of commands, and how every failure becomes a text and an exit code."""

import sys
from collections.abc import Sequence

import click

from holdfast.cli import exit_codes
from holdfast.cli.command import BadCall, Entry, LazyGroup
from holdfast.cli.session import Session
from holdfast.domain.errors import HoldfastError

_APP = "holdfast.cli.app"
_PAUSES = "holdfast.cli.pauses"
_PROJ = "holdfast.cli.proj"
_PERMITTED = (
    ("destination", "a destination"),
    ("source", "a repository"),
    ("source-namespace", "a namespace of Applications"),
    ("signature-key", "a GnuPG key"),
    ("orphaned-ignore", "a kind that may be an orphan"),
    ("destination-service-account", "a service account"),
)

APP_ENTRIES = (
    Entry("create", f"{_APP}.create", "Create an Application."),
    Entry("set", f"{_APP}.change", "Change fields of an Application."),
    Entry("unset", f"{_APP}.change", "Remove fields of an Application."),
    Entry("get", f"{_APP}.read", "Show an Application."),
    Entry("list", f"{_APP}.read", "List Applications."),
    Entry("diff", f"{_APP}.diff", "Show what differs between git and the cluster."),
    Entry("sync", f"{_APP}.sync", "Make the cluster what git declares."),
    Entry("wait", f"{_APP}.sync", "Wait until Applications are synced and healthy."),
    Entry("history", f"{_APP}.read", "Show what was deployed and when."),
    Entry("rollback", f"{_APP}.sync", "Go back to an earlier deployment."),
    Entry("delete", f"{_APP}.delete", "Delete Applications."),
    Entry("manifests", f"{_APP}.manifests", "Print the objects that git declares."),
    Entry("resources", f"{_APP}.manifests", "List the objects of an Application."),
    Entry("pause", f"{_PAUSES}.ofapp", "Hold healing of an Application for a while."),
    Entry("resume", f"{_PAUSES}.ofapp", "End the pauses of an Application."),
    Entry("terminate-op", f"{_APP}.sync", "Stop the running operation."),
    Entry("patch", f"{_APP}.change", "Patch an Application."),
    Entry("confirm-deletion", f"{_APP}.delete", "Approve deletions that wait for a person."),
    Entry("edit", f"{_APP}.change", "Edit an Application in an editor."),
    Entry("adopt", f"{_APP}.adopt", "Take what was changed in the cluster into git."),
    Entry("logs", f"{_APP}.logs", "Print logs of an Application's pods."),
    Entry("actions", f"{_APP}.actions", "Work with actions on objects."),
    Entry("get-resource", f"{_APP}.objects", "Show live objects."),
    Entry("patch-resource", f"{_APP}.objects", "Patch a live object."),
    Entry("delete-resource", f"{_APP}.objects", "Delete a live object."),
    Entry("add-source", f"{_APP}.change", "Add a source to an Application of several."),
    Entry("remove-source", f"{_APP}.change", "Remove one of several sources."),
)
ACTION_ENTRIES = (
    Entry("list", f"{_APP}.actions", "List what can be done with objects."),
    Entry("run", f"{_APP}.actions", "Run an action on an object."),
)
PROJECT_ENTRIES = (
    Entry("create", "holdfast.cli.project", "Create a project."),
    Entry("get", "holdfast.cli.project", "Show a project."),
    Entry("list", "holdfast.cli.project", "List projects."),
    Entry("delete", "holdfast.cli.project", "Delete a project."),
    Entry("pause", f"{_PAUSES}.ofproject", "Hold healing of a project for a while."),
    Entry("resume", f"{_PAUSES}.ofproject", "End the pauses of a project."),
    Entry("set", "holdfast.cli.project", "Change what a project permits."),
    Entry("edit", "holdfast.cli.project", "Edit a project in an editor."),
    *(
        Entry(f"{verb}-{noun}", f"{_PROJ}.lists", f"{verb.capitalize()} {what}.")
        for noun, what in _PERMITTED
        for verb in ("add", "remove")
    ),
    *(
        Entry(f"{verb}-{scope}-resource", f"{_PROJ}.lists", f"{verb.capitalize()} {what}.")
        for scope, what in (("cluster", "kinds of cluster scope"), ("namespace", "kinds"))
        for verb in ("allow", "deny")
    ),
    Entry("role", "holdfast.cli.groups", "Work with the roles of a project."),
    Entry("windows", "holdfast.cli.groups", "Work with the sync windows of a project."),
)
ROLE_ENTRIES = (
    Entry("list", f"{_PROJ}.roles", "List roles."),
    Entry("get", f"{_PROJ}.roles", "Show a role."),
    Entry("create", f"{_PROJ}.roles", "Create a role."),
    Entry("delete", f"{_PROJ}.roles", "Delete a role."),
    Entry("add-policy", f"{_PROJ}.roles", "Add a rule to a role."),
    Entry("remove-policy", f"{_PROJ}.roles", "Remove a rule from a role."),
    Entry("add-group", f"{_PROJ}.roles", "Give a role to a group."),
    Entry("remove-group", f"{_PROJ}.roles", "Take a role from a group."),
    Entry("create-token", f"{_PROJ}.roles", "Make a token of a role."),
    Entry("delete-token", f"{_PROJ}.roles", "Take a token of a role away."),
    Entry("list-tokens", f"{_PROJ}.roles", "List the tokens of a role."),
)
WINDOW_ENTRIES = (
    Entry("list", f"{_PROJ}.windows", "List sync windows."),
    Entry("add", f"{_PROJ}.windows", "Add a sync window."),
    Entry("update", f"{_PROJ}.windows", "Change a sync window."),
    Entry("delete", f"{_PROJ}.windows", "Delete a sync window."),
    Entry("enable-manual-sync", f"{_PROJ}.windows", "Let syncs by hand pass a window."),
    Entry("disable-manual-sync", f"{_PROJ}.windows", "Let none pass it."),
    Entry("enable-sync-overrun", f"{_PROJ}.windows", "Let a sync end after a window."),
    Entry("disable-sync-overrun", f"{_PROJ}.windows", "Let none end after it."),
)
REPO_ENTRIES = (
    Entry("add", "holdfast.cli.repo", "Keep a repository and how to sign in to it."),
    Entry("list", "holdfast.cli.repo", "List repositories."),
    Entry("get", "holdfast.cli.repo", "Show a repository."),
    Entry("rm", "holdfast.cli.repo", "Forget a repository."),
)
REPOCREDS_ENTRIES = (
    Entry("add", "holdfast.cli.repocreds", "Keep credentials for many repositories."),
    Entry("list", "holdfast.cli.repocreds", "List credentials."),
    Entry("rm", "holdfast.cli.repocreds", "Forget credentials."),
)
CLUSTER_ENTRIES = (
    Entry("add", "holdfast.cli.clusters", "Keep a cluster."),
    Entry("list", "holdfast.cli.clusters", "List clusters."),
    Entry("get", "holdfast.cli.clusters", "Show a cluster."),
    Entry("rm", "holdfast.cli.clusters", "Forget a cluster."),
    Entry("pause", f"{_PAUSES}.ofcluster", "Hold healing of a cluster for a while."),
    Entry("resume", f"{_PAUSES}.ofcluster", "End the pauses of a cluster."),
)
ACCOUNT_ENTRIES = (
    Entry("list", "holdfast.cli.account", "List accounts."),
    Entry("get", "holdfast.cli.account", "Show an account and its tokens."),
    Entry("get-user-info", "holdfast.cli.account", "Show who is signed in."),
    Entry("can-i", "holdfast.cli.account", "Say whether one may do something."),
    Entry("update-password", "holdfast.cli.account", "Change a password."),
    Entry("generate-token", "holdfast.cli.account", "Make an API key."),
    Entry("delete-token", "holdfast.cli.account", "Take an API key away."),
    Entry("session-token", "holdfast.cli.account", "Print one's own token."),
    Entry("bcrypt", "holdfast.cli.account", "Print the hash of a password."),
)
DRIFT_ENTRIES = (
    Entry("list", "holdfast.cli.drift", "List drifts: what, who, how it ended."),
    Entry("show", "holdfast.cli.drift", "Show one drift, field by field."),
    Entry("stats", "holdfast.cli.drift", "Count drifts and heals."),
)
NOTIFICATION_ENTRIES = (
    Entry("test", "holdfast.cli.notifications", "Send a test message to a target."),
)
ROOT_ENTRIES = (
    Entry("up", "holdfast.cli.servers", "Start a small cluster and the controller, here."),
    Entry("demo", "holdfast.cli.servers", "Show self-healing in under a minute."),
    Entry("app", "holdfast.cli.groups", "Work with Applications."),
    Entry("proj", "holdfast.cli.groups", "Work with projects."),
    Entry("pause", f"{_PAUSES}.ofall", "Hold all healing for a while."),
    Entry("resume", f"{_PAUSES}.ofall", "End pauses by id, or all."),
    Entry("pauses", f"{_PAUSES}.ofall", "List what is paused, by whom, why, until when."),
    Entry("repo", "holdfast.cli.groups", "Work with repositories."),
    Entry("repocreds", "holdfast.cli.groups", "Work with credentials for many repositories."),
    Entry("cluster", "holdfast.cli.groups", "Work with clusters; pause and resume one."),
    Entry("handover", "holdfast.cli.handover", "Give objects back to Argo CD, before going back."),
    Entry("drift", "holdfast.cli.groups", "See what drifted, who did it, what became of it."),
    Entry("notifications", "holdfast.cli.groups", "Test what tells people."),
    Entry("status", "holdfast.cli.system", "Show how Holdfast itself does."),
    Entry("run", "holdfast.cli.servers", "Run the controller against a cluster."),
    Entry("serve", "holdfast.cli.servers", "Serve the API and the page alone."),
    Entry("sandbox", "holdfast.cli.servers", "Start the small cluster alone."),
    Entry("install", "holdfast.cli.servers", "Print the manifests that install Holdfast."),
    Entry("login", "holdfast.cli.login", "Sign in to a Holdfast server."),
    Entry("logout", "holdfast.cli.login", "Sign out of a server."),
    Entry("relogin", "holdfast.cli.login", "Sign in again."),
    Entry("context", "holdfast.cli.login", "List servers, or go to another one."),
    Entry("account", "holdfast.cli.groups", "Work with accounts of a server."),
    Entry("version", "holdfast.cli.system", "Print the version."),
    Entry("completion", "holdfast.cli.system", "Print shell completion code."),
)
TEXT = """Keep a Kubernetes cluster equal to what git declares, and heal it within milliseconds.

It speaks Argo CD's words: `holdfast app …` takes the flags of `argocd app …` and works on the
same Application objects. To try it without a cluster: `holdfast demo`, then `holdfast up`."""


NOT_BUILT = {
    "cert": "host keys stand in the ConfigMap argocd-ssh-known-hosts-cm (key ssh_known_hosts), "
    "certificates of authorities in argocd-tls-certs-cm (a key for each host)",
    "appset": "Argo CD's ApplicationSet controller goes on making Applications; "
    "`kubectl get applicationsets -A` lists its objects",
    "admin": "`holdfast run`, `up` and `serve` have the page; the first password: "
    "kubectl -n argocd get secret argocd-initial-admin-secret "
    "-o jsonpath='{.data.password}' | base64 -d",
    "gpg": "signatures of commits are not checked yet; a project that demands them syncs nothing",
}
"""Commands of `argocd` that are not here, and what does the same."""


def root_command() -> LazyGroup:
    """Return the whole tree; nothing below it is imported yet."""
    return LazyGroup("holdfast", ROOT_ENTRIES, TEXT, NOT_BUILT)


def run(argv: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command line and return its exit code; nothing is raised."""
    session = session or Session()
    try:
        result = root_command().main(
            args=_as_ours(sys.argv[1:] if argv is None else argv),
            prog_name="holdfast",
            standalone_mode=False,
            obj=session,
        )
    except BadCall as error:
        print(f"Error: {error}", file=session.err)
        if error.usage:
            print(f"\n{error.usage}", file=session.err)
        return error.code
    except click.UsageError as error:
        usage = error.ctx.get_usage() if error.ctx else ""
        print(f"Error: {error.format_message()}\n\n{usage}", file=session.err)
        return exit_codes.USAGE
    except (KeyboardInterrupt, click.Abort):
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone (`| head`); nothing is left to say, to nobody.
        sys.stderr.close()
        return exit_codes.OK
    except (HoldfastError, ExceptionGroup) as error:
        return _report(error, session)
    return result if isinstance(result, int) else exit_codes.OK


def _as_ours(argv: Sequence[str]) -> list[str]:
    """Understand the two habits of other command lines: `help COMMAND`, `--version`."""
    words = list(argv)
    if words[:1] == ["help"]:
        return [*words[1:], "--help"]
    if words == ["--version"]:
        return ["version", "--client", "--short"]
    return words


def _report(error: Exception, session: Session) -> int:
    known = _find_known(error)
    if known is None:
        raise error
    print(known.describe(), file=session.err)
    return exit_codes.of_error(known.code)


def _find_known(error: BaseException) -> HoldfastError | None:
    """Return the first error that has a text for people, looking into exception groups."""
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = _find_known(inner)
            if found is not None:
                return found
    return None
