"""What each command prints, to the letter: stdout is data, everything else is stderr."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import __version__
from holdfast.domain.commands import Command, CreateApplication, Done, RefreshApplication
from holdfast.domain.queries import (
    GetManifests,
    GetProject,
    GetStatus,
    ListProjects,
    ManagedResources,
    ResourceTree,
)
from holdfast.kit import yamlio
from tests.support.command_line import check_golden, holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries
from tests.unit.cli import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLDEN = Path(__file__).parent / "golden"
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "prod-go-sample-app", "namespace": "prod"},
    "spec": {"replicas": 2},
}
DRIFTED = {**DEPLOYMENT, "spec": {"replicas": 5}}
PROJECT: dict[str, Any] = {
    "metadata": {"name": "default", "namespace": "argocd"},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}
STATUS = {
    "connected": True,
    "server": "https://127.0.0.1:16443",
    "version": "v1.36.3",
    "namespace": "argocd",
    "leader": "laptop_3fa9",
    "leaseRenewed": "2026-01-02T15:04:03.000000Z",
    "watchLag": "0.4 s",
    "notifications": "2 targets",
    "applications": {"OutOfSync": 1, "Synced": 4},
    "lastErrors": [
        {"app": "argocd/web", "type": "ComparisonError", "message": "path does not exist"}
    ],
}


def link() -> FakeLink:
    queries = FakeQueries([examples.prod(), examples.dev()])
    queries.versions[examples.PROD] = examples.versions_of_a_rollout()
    queries.lines = ["started", "listening on :8080", "GET / 200"]
    queries.answers = {
        GetManifests: [DEPLOYMENT],
        ManagedResources: [
            {
                "group": "apps",
                "kind": "Deployment",
                "namespace": "prod",
                "name": "prod-go-sample-app",
                "targetState": DEPLOYMENT,
                "liveState": DRIFTED,
                "predictedLiveState": DEPLOYMENT,
                "modified": True,
                "hook": False,
            },
            {
                "group": "",
                "kind": "ConfigMap",
                "namespace": "prod",
                "name": "prod-new",
                "targetState": {"kind": "ConfigMap", "metadata": {"name": "prod-new"}},
                "liveState": None,
                "hook": False,
            },
        ],
        ResourceTree: examples.tree_nodes(),
        GetStatus: STATUS,
        ListProjects: [PROJECT],
        GetProject: PROJECT,
    }
    return FakeLink(queries, FakeCommands(_answer))


def _answer(command: Command) -> Done:
    match command:
        case CreateApplication(manifest):
            return Done("created", {**manifest, "metadata": {**manifest["metadata"]}})
        case RefreshApplication():
            return Done("refreshed")
        case _:
            pass
    tree = examples.prod()
    tree["metadata"]["resourceVersion"] = "41"
    return Done("updated", tree)


CASES: Sequence[tuple[str, str]] = (
    ("app-get", "app get go-sample-app-prod --show-operation"),
    ("app-get-conditions", "app get go-sample-app-dev"),
    ("app-get-tree", "app get go-sample-app-prod -o tree"),
    ("app-get-tree-detailed", "app get go-sample-app-prod -o tree=detailed"),
    ("app-get-missing", "app get nowhere"),
    ("app-list", "app list"),
    ("app-list-name", "app list -o name"),
    ("app-list-none", "app list --repo https://git.example.com/other.git"),
    ("app-history", "app history go-sample-app-prod"),
    ("app-history-id", "app history go-sample-app-prod -o id"),
    ("app-create", "app create web --repo https://git.example.com/web.git --path . "
     "--dest-server https://kubernetes.default.svc --dest-namespace web"),
    ("app-create-self-heal", "app create web --repo https://git.example.com/web.git --path . "
     "--dest-server https://kubernetes.default.svc --self-heal --auto-prune"),
    ("app-set", "app set go-sample-app-prod --self-heal"),
    ("app-set-unchanged", "app set go-sample-app-prod --auto-prune"),
    ("app-set-nothing", "app set go-sample-app-prod"),
    ("app-unset-unchanged", "app unset go-sample-app-prod --nameprefix"),
    ("app-diff", "app diff go-sample-app-prod"),
    ("app-sync", "app sync go-sample-app-prod --prune"),
    ("app-wait", "app wait go-sample-app-prod --timeout 5"),
    ("app-sync-async", "app sync go-sample-app-prod --async"),
    ("app-sync-tree", "app sync go-sample-app-prod -o tree"),
    ("app-sync-preview", "app sync go-sample-app-prod --preview-changes --assumeYes --async"),
    ("app-wait-object", "app wait go-sample-app-prod --resource apps:Deployment:*"),
    ("app-patch", "app patch go-sample-app-prod --type merge --patch {\"spec\":{}}"),
    ("app-rollback", "app rollback go-sample-app-prod 0"),
    ("app-rollback-word", "app rollback go-sample-app-prod yesterday"),
    ("app-terminate-op", "app terminate-op go-sample-app-prod"),
    ("app-delete", "app delete go-sample-app-prod"),
    ("app-confirm-deletion", "app confirm-deletion go-sample-app-prod"),
    ("app-manifests", "app manifests go-sample-app-prod"),
    ("app-resources", "app resources go-sample-app-prod"),
    ("app-resources-tree", "app resources go-sample-app-prod -o tree"),
    ("app-resources-detailed", "app resources go-sample-app-prod -o tree=detailed"),
    ("app-logs", "app logs go-sample-app-prod --tail 3"),
    ("proj-create", "proj create team-a -d https://kubernetes.default.svc,team-a -s *"),
    ("proj-get", "proj get default"),
    ("proj-list", "proj list"),
    ("proj-list-name", "proj list -o name"),
    ("proj-delete", "proj delete team-a"),
    ("status", "status"),
    ("unknown-command", "app snyc web"),
    ("unknown-flag", "app sync web --purge"),
    ("too-few-arguments", "app get"),
    ("diff-arguments", "app diff"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "line"), CASES, ids=[name for name, _ in CASES])
def test_a_command_prints_what_its_golden_file_shows(name: str, line: str) -> None:
    result = holdfast(link(), *line.split())
    check_golden(GOLDEN / f"{name}.txt", f"$ holdfast {line}\n{result.transcript}")


def test_an_edit_prints_what_its_golden_file_shows() -> None:
    editor = {"EDITOR": "sed -i s/HEAD/v2/", "PATH": os.environ["PATH"]}
    result = holdfast(link(), "app", "edit", "go-sample-app-prod", environ=editor)
    text = f"$ holdfast app edit go-sample-app-prod\n{result.transcript}"
    check_golden(GOLDEN / "app-edit.txt", text)


def test_the_version_prints_what_its_golden_file_shows() -> None:
    text = holdfast(link(), "version").transcript
    moving = (__version__, platform.python_version(), f"{sys.platform}/{platform.machine()}")
    for word, name in zip(moving, ("VERSION", "PYTHON", "PLATFORM"), strict=True):
        text = text.replace(word, name)
    check_golden(GOLDEN / "version.txt", f"$ holdfast version\n{text}")


@pytest.mark.parametrize(
    "line",
    [
        "app get go-sample-app-prod -o json",
        "app list -o json",
        "app sync go-sample-app-prod -o json",
        "app wait go-sample-app-prod -o json",
        "proj list -o json",
        "status -o json",
        "version --client -o json",
    ],
)
def test_json_on_stdout_is_json_and_nothing_else(line: str) -> None:
    result = holdfast(link(), *line.split())
    assert result.code == 0, result.err
    json.loads(result.out)


def test_yaml_of_an_application_is_the_object_itself() -> None:
    result = holdfast(link(), "app", "get", "go-sample-app-prod", "-o", "yaml")
    assert yamlio.load_one(result.out) == examples.prod()


def test_an_empty_list_is_an_empty_json_array() -> None:
    result = holdfast(FakeLink(), "app", "list", "-o", "json")
    assert result.out == "[]\n"
