"""What `app set` and `app unset` make of a spec (docs/internals/argocd/api.md §4.6)."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.cli.pflag import UsageError, parse
from holdfast.cli.spec_edit import apply_flags
from holdfast.cli.spec_flags import NAMED, PAIRS, PLAIN_SOURCE, PLAIN_SPEC, SPEC_FLAGS
from holdfast.cli.unset import UNSET_FLAGS, unset_flags

Tree = dict[str, Any]
BEFORE: Tree = {
    "project": "default",
    "source": {"repoURL": "https://git.example/web", "path": "deploy"},
    "destination": {"server": "https://kubernetes.default.svc", "namespace": "prod"},
}
ON = {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}


def changed(line: str, spec: Tree | None = None) -> Tree:
    return apply_flags({**BEFORE, **(spec or {})}, parse(line.split(), SPEC_FLAGS).values)


@pytest.mark.parametrize(
    ("before", "line", "policy"),
    [
        pytest.param({}, "--sync-policy automated", {"automated": {}}, id="automatic sync on"),
        pytest.param({}, "--sync-policy auto", {"automated": {}}, id="auto is a short form"),
        pytest.param(ON, "--sync-policy none", None, id="off removes the whole block"),
        pytest.param(ON, "--sync-policy manual", None, id="manual is another word for none"),
        pytest.param(
            ON,
            "--sync-policy automated",
            {"automated": {}},
            id="automated empties the block: prune and self-heal are off again",
        ),
        pytest.param(
            {},
            "--sync-policy automated --auto-prune --self-heal",
            {"automated": {"prune": True, "selfHeal": True}},
            id="everything on in one line",
        ),
        pytest.param(
            {},
            "--self-heal",
            {"automated": {"enabled": False, "selfHeal": True}},
            id="self-heal alone does not switch automatic sync on",
        ),
        pytest.param(
            ON,
            "--self-heal=false",
            {"automated": {"prune": True, "selfHeal": False}},
            id="self-heal off leaves the rest",
        ),
        pytest.param(
            {"syncPolicy": {"syncOptions": ["A=true", "B=true"]}},
            "--sync-option !A=true --sync-option C=true",
            {"syncOptions": ["B=true", "C=true"]},
            id="options are added and removed",
        ),
        pytest.param(
            {"syncPolicy": {"syncOptions": ["A=true"]}},
            "--sync-option !A=true",
            None,
            id="the last option takes the block along",
        ),
        pytest.param(
            {},
            "--sync-retry-limit 3 --sync-retry-backoff-duration 10s --sync-retry-refresh",
            {
                "retry": {
                    "limit": 3,
                    "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"},
                    "refresh": True,
                }
            },
            id="retries with defaults",
        ),
        pytest.param(
            {"syncPolicy": {"retry": {"limit": 3}}},
            "--sync-retry-limit 0",
            None,
            id="no retries",
        ),
    ],
)
def test_the_sync_policy_is_changed_as_argocd_does(
    before: Tree, line: str, policy: Tree | None
) -> None:
    assert changed(line, before).get("syncPolicy") == policy


@pytest.mark.parametrize(
    ("line", "source"),
    [
        pytest.param("--revision v1", {"targetRevision": "v1"}, id="revision"),
        pytest.param("--path other", {"path": "other"}, id="path"),
        pytest.param(
            "-p a=1 --helm-set-string b=2",
            {
                "helm": {
                    "parameters": [
                        {"name": "a", "value": "1"},
                        {"name": "b", "value": "2", "forceString": True},
                    ]
                }
            },
            id="helm parameters",
        ),
        pytest.param(
            "--kustomize-image web=registry/web:2 --kustomize-replica web=3",
            {
                "kustomize": {
                    "images": ["web=registry/web:2"],
                    "replicas": [{"name": "web", "count": 3}],
                }
            },
            id="kustomize overrides",
        ),
        pytest.param(
            "--kustomize-common-label a=b --nameprefix x-",
            {"kustomize": {"commonLabels": {"a": "b"}, "namePrefix": "x-"}},
            id="kustomize labels",
        ),
        pytest.param(
            "--directory-recurse --directory-include *.yaml",
            {"directory": {"recurse": True, "include": "*.yaml"}},
            id="directory",
        ),
    ],
)
def test_the_source_is_changed_where_the_flag_says(line: str, source: Tree) -> None:
    assert changed(line)["source"] == {**BEFORE["source"], **source}


def test_an_image_override_replaces_the_one_of_the_same_name() -> None:
    kustomize = {"images": ["web:1", "registry:5000/api:1", "c@sha256:1"]}
    spec = {"source": {**BEFORE["source"], "kustomize": kustomize}}
    line = "--kustomize-image web=other:2 --kustomize-image registry:5000/api:2"
    assert changed(line, spec)["source"]["kustomize"]["images"] == [
        "web=other:2",
        "registry:5000/api:2",
        "c@sha256:1",
    ]


def test_a_destination_has_a_server_or_a_name() -> None:
    assert changed("--dest-name in-cluster")["destination"] == {
        "name": "in-cluster",
        "namespace": "prod",
    }


def test_several_sources_need_a_position_or_a_name() -> None:
    sources = [{"repoURL": "a", "name": "x"}, {"repoURL": "b"}]
    values = parse(["--revision", "v2"], SPEC_FLAGS).values
    spec = {**BEFORE, "sources": sources}
    with pytest.raises(UsageError, match="give --source-position"):
        apply_flags(spec, values)
    assert apply_flags(spec, values, position=2)["sources"][1]["targetRevision"] == "v2"
    assert apply_flags(spec, values, name="x")["sources"][0]["targetRevision"] == "v2"
    with pytest.raises(UsageError, match="there is no source 3"):
        apply_flags(spec, values, position=3)


def test_the_given_spec_is_not_changed() -> None:
    before = {**BEFORE, **ON}
    apply_flags(before, parse(["--sync-policy", "none"], SPEC_FLAGS).values)
    assert before["syncPolicy"] == ON["syncPolicy"]


def test_unset_removes_what_is_named_and_blocks_left_empty() -> None:
    source = {
        **BEFORE["source"],
        "helm": {"parameters": [{"name": "a", "value": "1"}], "values": "x: 1"},
        "kustomize": {"namePrefix": "x-", "images": ["web:1", "api:1"]},
    }
    line = "-p a --values-literal --nameprefix --kustomize-image web"
    values = parse(line.split(), UNSET_FLAGS).values
    assert unset_flags({**BEFORE, "source": source}, values)["source"] == {
        **BEFORE["source"],
        "kustomize": {"images": ["api:1"]},
    }


def test_every_spec_flag_has_a_place_where_it_lands() -> None:
    handled = {"sync-policy", "auto-prune", "self-heal", "allow-empty", "sync-option",
               "values-literal-file", "kustomize-image", "validate", "env",
               "source-name"}  # fmt: skip
    handled |= {flag.name for flag in SPEC_FLAGS if flag.name.startswith("sync-retry-")}
    placed = {*PLAIN_SOURCE, *PLAIN_SPEC, *NAMED, *PAIRS, *handled}
    assert {flag.name for flag in SPEC_FLAGS} == placed


def test_parameters_keep_the_order_in_which_they_were_written() -> None:
    """A deviation (docs/internals/argocd/controller.md, appendix B 24)."""
    line = "--helm-set z=1 --helm-set a=2 --helm-set m=3"
    made = changed(line)["source"]["helm"]["parameters"]
    assert [one["name"] for one in made] == ["z", "a", "m"]


def test_a_new_source_can_be_named_so_that_it_can_be_chosen() -> None:
    named = changed("--source-name base")
    assert named["source"]["name"] == "base"
    several = {"sources": [{"name": "a", "repoURL": "x"}, {"name": "b", "repoURL": "y"}]}
    values = parse(["--source-name", "b", "--revision", "v2"], SPEC_FLAGS).values
    after = apply_flags({**several}, values, name="b")
    assert after["sources"] == [several["sources"][0], {**several["sources"][1],
                                                        "targetRevision": "v2"}]  # fmt: skip
