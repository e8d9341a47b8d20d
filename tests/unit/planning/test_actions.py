"""What can be done with one object, and what each action changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Manifest
from holdfast.planning.actions import find_actions, plan_action

NOW = datetime(2026, 1, 2, 15, 4, 5, tzinfo=UTC)
Tree = dict[str, Any]


def made(
    kind: str, spec: Tree | None = None, api_version: str = "apps/v1", **rest: Any
) -> Manifest:
    metadata = {"name": "web", "namespace": "prod", "uid": "u-1"}
    return Manifest(
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec or {}, **rest}
    )


def offered(manifest: Manifest) -> set[str]:
    return {action.name for action in find_actions(manifest) if not action.is_disabled}


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (made("Deployment"), {"restart", "pause", "scale"}),
        (made("Deployment", {"paused": True}), {"restart", "resume", "scale"}),
        (made("StatefulSet"), {"restart", "scale"}),
        (made("DaemonSet"), {"restart"}),
        (made("CronJob", api_version="batch/v1"), {"create-job", "suspend"}),
        (made("CronJob", {"suspend": True}, "batch/v1"), {"create-job", "resume"}),
        (made("Job", api_version="batch/v1"), {"suspend", "terminate"}),
        (
            made(
                "Job",
                api_version="batch/v1",
                status={"conditions": [{"type": "Complete", "status": "True"}]},
            ),
            set(),
        ),
        (made("Application", api_version="argoproj.io/v1alpha1"), {"toggle-auto-sync"}),
        (made("ConfigMap", api_version="v1"), set()),
        (made("Deployment", api_version="example.org/v1"), set()),
    ],
)
def test_what_is_offered_depends_on_the_kind_and_its_state(
    manifest: Manifest, names: set[str]
) -> None:
    assert offered(manifest) == names


@pytest.mark.parametrize(
    ("manifest", "action", "spec"),
    [
        (made("Deployment"), "pause", {"paused": True}),
        (made("Deployment", {"paused": True}), "resume", {"paused": None}),
        (made("CronJob", api_version="batch/v1"), "suspend", {"suspend": True}),
        (made("Job", {"suspend": True}, "batch/v1"), "resume", {"suspend": False}),
        (made("Job", api_version="batch/v1"), "terminate", {"activeDeadlineSeconds": 1}),
        (
            made("DaemonSet"),
            "restart",
            {
                "template": {
                    "metadata": {
                        "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-02T15:04:05Z"}
                    }
                }
            },
        ),
    ],
)
def test_an_action_is_a_merge_patch(manifest: Manifest, action: str, spec: Tree) -> None:
    assert plan_action(manifest, action, (), NOW).patch == {"spec": spec}


@pytest.mark.parametrize(
    ("policy", "after"),
    [
        ({}, True),
        ({"automated": {}}, False),
        ({"automated": {"prune": True, "enabled": True}}, False),
        ({"automated": {"enabled": False}}, True),
    ],
)
def test_automatic_sync_is_switched_over(policy: Tree, after: bool) -> None:
    app = made("Application", {"syncPolicy": policy}, "argoproj.io/v1alpha1")
    patch = plan_action(app, "toggle-auto-sync", (), NOW).patch
    assert patch == {"spec": {"syncPolicy": {"automated": {"enabled": after}}}}


def test_a_deployment_is_scaled_to_the_number_that_is_given() -> None:
    change = plan_action(made("Deployment"), "scale", (("replicas", "3"),), NOW)
    assert change.patch == {"spec": {"replicas": 3}}


@pytest.mark.parametrize("text", ["", "-1", "three", "1e3", "9999999", "٣", "1" * 5000])
def test_a_senseless_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="needs the parameter replicas"):
        plan_action(made("Deployment"), "scale", (("replicas", text),), NOW)


def test_a_job_is_made_from_a_cron_job_that_owns_it() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {"spec": {}}}}
    cron_job = made("CronJob", {"jobTemplate": template}, "batch/v1")
    job = plan_action(cron_job, "create-job", (), NOW).creation
    assert job is not None
    assert (job.kind, job.namespace, job.generate_name) == ("Job", "prod", "web-")
    assert job.labels == {"a": "b"}
    assert job.owner_references[0]["uid"] == "u-1"
    assert job.tree["spec"] == template["spec"]


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no action 'explode'"):
        plan_action(made("Deployment"), "explode", (), NOW)
    with pytest.raises(ConfigurationError, match="would change nothing"):
        plan_action(made("Deployment"), "resume", (), NOW)
