"""`app get-resource`, `patch-resource`, `delete-resource`, `actions`: what is meant and done."""

from __future__ import annotations

import json
from typing import Any

from holdfast.domain.commands import DeleteResource, PatchResource, RunAction
from holdfast.domain.identity import ResourceKey
from holdfast.domain.queries import GetResource, ListActions, ResourceTree
from tests.support.command_line import holdfast
from tests.support.fakes import FakeLink, FakeQueries
from tests.unit.cli import examples

APP = "go-sample-app-prod"


def node(group: str, kind: str, name: str) -> dict[str, Any]:
    return {"group": group, "version": "v1", "kind": kind, "namespace": "prod", "name": name}


def link() -> FakeLink:
    queries = FakeQueries([examples.prod()])
    metadata = {"name": "web", "managedFields": [{"manager": "m"}]}
    queries.answers = {
        ResourceTree: {
            "nodes": [
                node("apps", "Deployment", "web"),
                node("", "Service", "web"),
                node("", "Service", "db"),
            ]
        },
        GetResource: {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}},
        ListActions: [{"name": "restart", "disabled": False}],
    }
    return FakeLink(queries)


def test_an_object_that_is_named_is_printed_alone_without_its_managers() -> None:
    words = ("app", "get-resource", APP, "--kind", "Deployment", "-o", "json")
    alone = json.loads(holdfast(link(), *words, "--resource-name", "web").out)
    assert alone["metadata"] == {"name": "web"}
    assert json.loads(holdfast(link(), *words).out) == [alone]
    whole = holdfast(link(), *words, "--resource-name", "web", "--show-managed-fields").out
    assert json.loads(whole)["metadata"]["managedFields"] == [{"manager": "m"}]


def test_the_table_has_a_row_for_each_field_that_is_asked_for() -> None:
    shown = holdfast(
        link(), "app", "get-resource", APP, "--kind", "Deployment",
        "--filter-fields", "spec.replicas,metadata.name,spec.nothing",
    )  # fmt: skip
    assert [line.split() for line in shown.out.splitlines()] == [
        ["FIELD", "RESOURCE", "NAME", "VALUE"],
        ["spec.replicas", "web", "2"],
        ["metadata.name", "web", "web"],
    ]


def test_several_objects_are_changed_only_with_all() -> None:
    asked = link()
    words = ("app", "delete-resource", APP, "--kind", "Service")
    refused = holdfast(asked, *words)
    assert (refused.code, asked.commands.asked) == (1, [])
    assert "Service prod/db" in refused.err
    done = holdfast(asked, *words, "--all", "--force")
    assert done.out == "Resource 'web' deleted\nResource 'db' deleted\n"
    keys = [ResourceKey("", "Service", "prod", name) for name in ("web", "db")]
    assert asked.commands.asked == [
        DeleteResource(examples.PROD, key, "v1", force=True) for key in keys
    ]


def test_a_patch_has_the_form_of_its_type() -> None:
    asked = link()
    words = ("app", "patch-resource", APP, "--kind", "Deployment", "--patch")
    assert holdfast(asked, *words, "[]").code == 1
    assert holdfast(asked, *words, "{}", "--patch-type", "application/json-patch+json").code == 1
    assert asked.commands.asked == []
    assert holdfast(asked, *words, '{"spec":{}}').out == "Resource 'web' patched\n"
    key = ResourceKey("apps", "Deployment", "prod", "web")
    assert asked.commands.asked == [
        PatchResource(examples.PROD, key, {"spec": {}}, "merge", "v1")
    ]  # fmt: skip


def test_an_action_is_run_with_its_parameters() -> None:
    asked = link()
    words = ("app", "actions", "run", APP, "scale", "--kind", "Deployment")
    assert holdfast(asked, *words, "--param", "replicas").code == 1
    assert holdfast(asked, *words, "--param", "replicas=3").code == 0
    key = ResourceKey("apps", "Deployment", "prod", "web")
    assert asked.commands.asked == [
        RunAction(examples.PROD, key, "scale", (("replicas", "3"),), "v1")
    ]  # fmt: skip


def test_actions_are_listed_with_the_names_of_argo_cd() -> None:
    words = ("app", "actions", "list", APP, "--kind", "Deployment")
    assert json.loads(holdfast(link(), *words, "--out", "json").out) == [
        {
            "Group": "apps", "Kind": "Deployment", "Name": "web", "Action": "restart",
            "Disabled": False,
        }
    ]  # fmt: skip
    assert "restart  false" in holdfast(link(), *words).out


def test_a_source_is_added_only_to_a_list_of_them() -> None:
    asked = link()
    refused = holdfast(asked, "app", "add-source", APP, "--repo", "https://git.example.com/v.git")
    assert (refused.code, asked.commands.asked) == (1, [])
    assert "has a single source" in refused.err
    for app in asked.queries.apps.values():
        app["spec"]["sources"] = [app["spec"].pop("source")]
    words = ("app", "add-source", APP, "--repo", "https://git.example.com/v.git", "--ref", "values")
    assert holdfast(asked, *words).out == f"Application '{APP}' updated successfully\n"
    added = {"repoURL": "https://git.example.com/v.git", "ref": "values"}
    assert asked.commands.asked[0].spec["sources"][1] == added  # type: ignore[union-attr]
    last = holdfast(asked, "app", "remove-source", APP, "--source-position", "1")
    assert "its last one" in last.err
