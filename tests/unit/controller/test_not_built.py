"""What this version of Argo CD's contract leaves out is said on the Application, never silent."""

from typing import Any

import pytest

from tests.support.builders import HEALING, annotated, app, config_map, deployment, job, project
from tests.support.rig import controlling, key_of

Tree = dict[str, Any]
WINDOW: Tree = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}


def argocd_cm(**data: str) -> Tree:
    tree = config_map("argocd-cm", namespace="argocd")
    tree["data"] = {name.replace("__", "."): text for name, text in data.items()}
    return tree


async def test_sync_windows_are_a_condition_and_hold_nothing() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.cluster.put(project(syncWindows=[WINDOW]))
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        said = rig.conditions()["NotBuiltWarning"]
        assert "Project default has sync windows" in said
        assert "does not evaluate" in said
        assert rig.sync() == "Synced"
        rig.cluster.put(project())
        await rig.settle()
        assert "NotBuiltWarning" not in rig.conditions()


async def test_a_project_that_demands_signed_commits_syncs_nothing() -> None:
    async with controlling(app(automated=HEALING)) as rig:
        rig.cluster.put(project(signatureKeys=[{"keyID": "4AEE18F83AFDEB23"}]))
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert "demands signed commits" in rig.conditions()["ComparisonError"]
        assert "operationState" not in rig.status()
        assert key_of(config_map()) not in rig.cluster.objects


async def test_hooks_are_left_out_and_named() -> None:
    hook = annotated(job("migrate"), **{"argocd.argoproj.io/hook": "PreSync"})
    async with controlling(app(automated=HEALING)) as rig:
        rig.git.commit(config_map(a="1"), hook)
        await rig.settle()
        assert "Job/migrate" in rig.conditions()["NotBuiltWarning"]
        assert key_of(hook) not in rig.cluster.objects
        assert key_of(config_map()) in rig.cluster.objects


async def test_a_health_script_is_named_and_not_run() -> None:
    """A deviation (appendix B 25): the kind keeps its built-in health, which is never empty."""
    key = "resource.customizations.health.apps_Deployment"
    setting = argocd_cm(**{key: "return {}"})
    async with controlling(setting, app(automated=HEALING)) as rig:
        rig.git.commit(deployment())
        await rig.settle()
        assert key in rig.conditions()["NotBuiltWarning"]
        [row] = rig.status()["resources"]
        assert row["health"]["status"] == "Healthy"


@pytest.mark.parametrize(
    "key",
    [
        "resource.customizations",
        "resource.customizations.actions.apps_Deployment",
        "resource.customizations.knownTypeFields.apps_Deployment",
    ],
)
async def test_a_setting_without_a_meaning_here_is_named(key: str) -> None:
    async with controlling(argocd_cm(**{key: "{}"}), app()) as rig:
        rig.git.commit(config_map(a="1"))
        await rig.settle()
        assert key in rig.conditions()["NotBuiltWarning"]
