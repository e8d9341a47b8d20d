"""What `holdfast install` prints is enough to run Holdfast, and what it changes later is told."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.kit import yamlio
from tests.support.gitrepo import GitRepo
from tests.support.kubectl import Kubectl
from tests.support.loaded import type_holdfast
from tests.support.process import HoldfastProcess
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.plane import RealPlane

CRD = "applications.argoproj.io"


@pytest.fixture
def own_plane(start_plane: Callable[..., RealPlane]) -> RealPlane:
    return start_plane(audit=True)


@pytest.fixture
def admin(own_plane: RealPlane, kubectl: Path, tmp_path: Path) -> Kubectl:
    """An administrator of the cluster."""
    return Kubectl(kubectl, own_plane, tmp_path, "argocd")


def holdfast(kubeconfig: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = type_holdfast(*words, env={**os.environ, "KUBECONFIG": str(kubeconfig)})
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done


def run(admin: Kubectl, *words: str, stdin: str = "") -> str:
    said = admin.try_run(*words, stdin=stdin)
    assert said.code == 0, f"{words}: {said.err}"
    return said.out


def as_service_account(admin: Kubectl, folder: Path) -> Path:
    """Return a kubeconfig that knows the token of Holdfast's account and nothing else."""
    token = run(admin, "create", "token", "holdfast", "-n", "argocd").strip()
    tree: dict[str, Any] = yamlio.load_one(admin.plane.kubeconfig.read_text())
    tree["users"][0]["user"] = {"token": token}
    file = folder / "account.kubeconfig"
    file.write_text(json.dumps(tree))
    return file


def refusals(plane: RealPlane) -> list[str]:
    """What the API server did not let the account do."""
    events = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in events
        if event["user"]["username"] == "system:serviceaccount:argocd:holdfast"
        and event.get("responseStatus", {}).get("code") == 403
    ]


def application(repository: GitRepo) -> str:
    return json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "shop", "namespace": "argocd"},
            "spec": {
                "project": "default",
                "source": {"repoURL": repository.url, "path": "."},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                "syncPolicy": {
                    "automated": {"prune": True, "selfHeal": True},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        }
    )


def test_the_printed_manifests_are_all_that_holdfast_needs(
    own_plane: RealPlane, admin: Kubectl, tmp_path: Path
) -> None:
    printed = holdfast(own_plane.kubeconfig, "install").stdout
    run(admin, "apply", "--server-side", "-f", "-", stdin=printed)
    account = as_service_account(admin, tmp_path)
    repository = GitRepo(tmp_path / "repo")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    repository.commit({"c.yaml": json.dumps(config | {"data": {"color": "blue"}})})
    process = HoldfastProcess.run(account, "argocd", tmp_path / "data", repositories=str(tmp_path))
    try:
        process.wait_for("leading as")
        run(admin, "apply", "-f", "-", stdin=application(repository))
        read = ("get", "configmap", "c", "-n", "shop", "-o", "jsonpath={.data.color}")
        eventually_now(lambda: admin.try_run(*read).out == "blue")
        run(admin, "patch", "configmap", "c", "-n", "shop", "-p", '{"data":{"color":"red"}}')
        eventually_now(lambda: admin.try_run(*read).out == "blue")
        repository.commit(
            {"c.yaml": None, "d.yaml": json.dumps(config | {"metadata": {"name": "d"}})}
        )
        eventually_now(lambda: admin.try_run(*read).code != 0)
    finally:
        process.stop()
    assert refusals(own_plane) == []


def test_definitions_change_only_by_an_upgrade(
    own_plane: RealPlane, admin: Kubectl, tmp_path: Path
) -> None:
    printed = holdfast(own_plane.kubeconfig, "install").stdout
    run(admin, "apply", "--server-side", "-f", "-", stdin=printed)
    run(admin, "label", "crd", CRD, "team=platform")
    older = [
        {"op": "remove", "path": f"/spec/versions/0/{rest}"}
        for rest in ("schema/openAPIV3Schema/properties/spec/properties/syncPolicy",)
    ]
    run(admin, "patch", "crd", CRD, "--type=json", "-p", json.dumps(older))
    spec = ("get", "crd", CRD, "-o", "jsonpath={.spec.versions[0]}")
    before = run(admin, *spec)
    process = HoldfastProcess.run(own_plane.kubeconfig, "argocd", tmp_path / "data")
    try:
        process.wait_for("leading as")
        assert run(admin, *spec) == before, "a running Holdfast leaves it alone"
    finally:
        process.stop()
    said = holdfast(own_plane.kubeconfig, "install", "--upgrade").stderr.splitlines()
    assert f"{CRD} updated" in said
    assert all(line.endswith(" unchanged") for line in said if not line.startswith(CRD)), said
    assert '"syncPolicy"' in run(admin, *spec)
    assert run(admin, "get", "crd", CRD, "-o", "jsonpath={.metadata.labels.team}") == "platform"
    again = holdfast(own_plane.kubeconfig, "install", "--upgrade").stderr.splitlines()
    assert all(line.endswith(" unchanged") for line in again), again
