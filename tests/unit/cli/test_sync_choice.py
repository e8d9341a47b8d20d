"""What `app sync` is about: `--resource` and `--label` together, and what a preview shows."""

from __future__ import annotations

from typing import Any

from holdfast.domain.commands import Command, Done, SyncApplication
from holdfast.domain.operation import SelectedResource
from holdfast.domain.queries import GetManifests, ManagedResources
from tests.support.command_line import Result, holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries
from tests.unit.cli import examples

Tree = dict[str, Any]
NAME = "go-sample-app-prod"
PLACES = (("", "Service", "prod"), ("", "Service", "other"), ("apps", "Deployment", "prod"))


def manifest(group: str, kind: str, namespace: str, **labels: str) -> Tree:
    version = f"{group}/v1" if group else "v1"
    metadata = {"name": "web", "namespace": namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def link() -> FakeLink:
    """Three objects of one name, of which git would change all."""
    app = examples.prod()
    app["status"]["resources"] = [
        {"group": group, "kind": kind, "namespace": namespace, "name": "web", "status": "Synced"}
        for group, kind, namespace in PLACES
    ]
    queries = FakeQueries([app])
    queries.answers = {
        GetManifests: [
            manifest("", "Service", "prod", tier="front", zone="a"),
            manifest("", "Service", "other", tier="front"),
            manifest("apps", "Deployment", "prod", tier="back"),
        ],
        ManagedResources: [
            {"group": group, "kind": kind, "namespace": namespace, "name": "web",
             "targetState": manifest(group, kind, namespace)}
            for group, kind, namespace in PLACES
        ],
    }  # fmt: skip
    return FakeLink(queries, FakeCommands(_done))


def _done(_command: Command) -> Done:
    return Done("requested", examples.prod())


def sync(asked: FakeLink, *words: str, stdin: str = "") -> Result:
    return holdfast(asked, "app", "sync", NAME, "--async", *words, stdin=stdin)


def chosen(*words: str) -> tuple[SelectedResource, ...]:
    asked = link()
    result = sync(asked, *words)
    assert result.code == 0, result.err
    [command] = asked.commands.asked
    assert isinstance(command, SyncApplication)
    return command.resources


def test_a_label_chooses_the_object_of_its_namespace_alone() -> None:
    assert chosen("--label", "zone=a") == (SelectedResource("", "Service", "prod", "web"),)


def test_of_several_labels_an_object_needs_all() -> None:
    assert chosen("--label", "tier=front", "--label", "zone=a") == (
        SelectedResource("", "Service", "prod", "web"),
    )


def test_labels_and_resources_choose_together() -> None:
    assert chosen("--label", "zone=a", "--resource", "apps:Deployment:web") == (
        SelectedResource("", "Service", "prod", "web"),
        SelectedResource("apps", "Deployment", "prod", "web"),
    )


def test_what_is_left_out_stays_out_whatever_its_labels() -> None:
    assert chosen("--label", "tier=front", "--resource", "!:Service:other/web") == (
        SelectedResource("", "Service", "prod", "web"),
    )


def test_labels_are_those_of_the_revision_that_is_synced() -> None:
    asked = link()
    sync(asked, "--label", "zone=a", "--revision", "v2")
    [query] = [one for one in asked.queries.asked if isinstance(one, GetManifests)]
    assert query.revision == "v2"


def test_labels_that_nothing_has_sync_nothing() -> None:
    for more in ((), ("--resource", "!:Service:*"), ("--resource", ":Service:web")):
        asked = link()
        result = sync(asked, "--label", "tier=none", *more)
        assert (result.code, asked.commands.asked) == (1, [])
        assert "No matching resources found for labels tier=none" in result.err


def test_the_name_of_a_role_may_hold_colons() -> None:
    asked = link()
    role = {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:web"}
    asked.queries.apps[examples.PROD]["status"]["resources"].append(role)
    sync(asked, "--resource", "rbac.authorization.k8s.io:ClusterRole:system:web")
    [command] = asked.commands.asked
    assert isinstance(command, SyncApplication)
    assert [one.name for one in command.resources] == ["system:web"]


def test_a_preview_shows_what_this_sync_would_change() -> None:
    asked = link()
    result = sync(
        asked, "--preview-changes", "--revision", "v2", "--resource", "apps:Deployment:web",
        stdin="y\n",
    )  # fmt: skip
    assert result.code == 0, result.err
    [query] = [one for one in asked.queries.asked if isinstance(one, ManagedResources)]
    assert query.revision == "v2"
    assert result.out.count("=====") == 2
    assert "===== apps/Deployment prod/web ======" in result.out
    assert len(asked.commands.asked) == 1


def test_a_preview_that_is_declined_syncs_nothing_and_ends_with_0() -> None:
    asked = link()
    result = sync(asked, "--preview-changes", stdin="n\n")
    assert (result.code, asked.commands.asked) == (0, [])
    assert "Do you want to continue" in result.err


def test_a_preview_is_not_asked_about_with_assume_yes() -> None:
    asked = link()
    result = sync(asked, "--preview-changes", "--assumeYes")
    assert "Do you want to continue" not in result.err
    assert len(asked.commands.asked) == 1
