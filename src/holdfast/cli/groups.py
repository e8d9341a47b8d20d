"""The groups below the root; their commands are imported when one is used."""

import click

from holdfast.cli.command import LazyGroup
from holdfast.cli.root import (
    ACCOUNT_ENTRIES,
    APP_ENTRIES,
    CLUSTER_ENTRIES,
    DRIFT_ENTRIES,
    NOTIFICATION_ENTRIES,
    PROJECT_ENTRIES,
    REPO_ENTRIES,
    REPOCREDS_ENTRIES,
    ROLE_ENTRIES,
    WINDOW_ENTRIES,
)

COMMANDS: dict[str, click.Command] = {
    "app": LazyGroup("app", APP_ENTRIES, "Work with Applications."),
    "proj": LazyGroup("proj", PROJECT_ENTRIES, "Work with projects (AppProjects)."),
    "role": LazyGroup("role", ROLE_ENTRIES, "Work with the roles of a project."),
    "windows": LazyGroup("windows", WINDOW_ENTRIES, "Work with the sync windows of a project."),
    "repo": LazyGroup("repo", REPO_ENTRIES, "Work with repositories and how to sign in to them."),
    "repocreds": LazyGroup(
        "repocreds", REPOCREDS_ENTRIES, "Work with credentials for many repositories."
    ),
    "cluster": LazyGroup("cluster", CLUSTER_ENTRIES, "Work with clusters; pause and resume one."),
    "account": LazyGroup("account", ACCOUNT_ENTRIES, "Work with accounts of a server."),
    "drift": LazyGroup(
        "drift", DRIFT_ENTRIES, "See what drifted, who did it, what became of it (the journal)."
    ),
    "notifications": LazyGroup("notifications", NOTIFICATION_ENTRIES, "Test what tells people."),
}
