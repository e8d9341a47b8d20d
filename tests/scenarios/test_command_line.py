"""The command line on a running controller, on both clusters: what people do in a day."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.assembly.sample import Sample
from tests.support.loaded import type_holdfast
from tests.support.process import HoldfastProcess, sandbox_process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

Tree = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """A person at a terminal.

    Attributes:
        kubeconfig: Of the cluster.
        namespace: The control namespace; every test has its own.
        name: Of the Application. Two installations must not use one: tracking ids name no other.
        sample: A repository of the person's own.
    """

    kubeconfig: Path
    namespace: str
    name: str
    sample: Sample

    def run(self, *words: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Type `holdfast …` and expect an exit code."""
        environ = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "HOLDFAST_NAMESPACE": self.namespace,
        }
        done = type_holdfast(*words, env=environ, stdin=stdin)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def app(self) -> Tree:
        """Read the Application."""
        found: Tree = json.loads(self.run("app", "get", self.name, "-o", "json").stdout)
        return found

    def fill(self) -> None:
        """Let the sample go where the test lives."""
        for file in self.sample.folder.glob("overlays/prod/*.yaml"):
            text = file.read_text().replace("namespace: prod", f"namespace: {self.namespace}")
            file.write_text(text)
        self.sample.commit("Deploy into a namespace of the test's own")

    def create(self, *words: str) -> None:
        """Create the Application, manual unless told otherwise."""
        self.run(
            "app", "create", self.name, "--repo", self.sample.url, "--path", "overlays/prod",
            "--dest-namespace", self.namespace, "--dest-server", "https://kubernetes.default.svc",
            *words,
        )  # fmt: skip


@pytest.fixture(scope="module")
def sandbox_kubeconfig() -> Iterator[Path]:
    with sandbox_process() as kubeconfig:
        yield kubeconfig


@pytest.fixture(params=["sandbox", "real"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A controller at work in a namespace of its own, and a person."""
    if request.param == "sandbox":
        kubeconfig = request.getfixturevalue("sandbox_kubeconfig")
    else:
        kubeconfig = request.getfixturevalue("real_plane").kubeconfig
    namespace = f"desk-{uuid.uuid4().hex[:8]}"
    sample = Sample.open_or_create(tmp_path / "repository")
    process = HoldfastProcess.run(
        kubeconfig, namespace, tmp_path / "data", repositories=str(tmp_path)
    )
    try:
        process.is_leading()
        yield Desk(kubeconfig, namespace, f"web-{namespace}", sample)
        assert process.stop() == 0
    finally:
        process.kill()
        sys.stdout.write(process.text)  # pytest shows it with a failure


def test_a_manual_application_is_synced_changed_and_rolled_back(desk: Desk) -> None:
    desk.fill()
    desk.create()
    assert desk.app()["spec"]["project"] == "default"

    # Looking changes nothing.
    found = desk.run("app", "get", desk.name, "--refresh")
    assert "Sync Policy:        Manual" in found.stdout
    assert "OutOfSync from HEAD" in found.stdout
    listed = desk.run("app", "diff", desk.name, code=1).stdout
    assert f"===== apps/Deployment {desk.namespace}/prod-go-sample-app ======" in listed
    dry = desk.run("app", "sync", desk.name, "--dry-run", "--timeout", "30").stdout
    assert "(dry run)" in dry
    assert desk.app()["status"]["sync"]["status"] == "OutOfSync"

    # One object, then everything.
    chosen = ("--resource", ":ConfigMap:prod-banner")
    desk.run("app", "sync", desk.name, *chosen, "--timeout", "30")
    assert "history" not in desk.app()["status"], "a selective sync is no deployment"
    synced = desk.run("app", "sync", desk.name, "--timeout", "30").stdout
    assert "Phase:              Succeeded" in synced
    desk.run("app", "wait", desk.name, "--health", "--sync", "--timeout", "40")
    desk.run("app", "diff", desk.name)

    # A new image, and back again.
    desk.sample.set_image("prod", "1.0.0", "1.1.0")
    desk.sample.commit("Deploy 1.1.0")
    assert "1.1.0" in desk.run("app", "diff", desk.name, code=1).stdout
    desk.run("app", "sync", desk.name, "--timeout", "40")
    assert [entry["id"] for entry in desk.app()["status"]["history"]] == [0, 1]
    desk.run("app", "rollback", desk.name, "0", "--timeout", "40")
    assert "OutOfSync" in desk.run("app", "get", desk.name).stdout
    live = desk.run("app", "manifests", desk.name, "--source", "live").stdout
    assert "go-sample-app:1.0.0" in live

    # What a sync would change, before it does; then the objects of a label.
    rolled_back = desk.app()["status"]["operationState"]
    shown = desk.run("app", "sync", desk.name, "--preview-changes", stdin="n\n").stdout
    assert "1.1.0" in shown
    assert desk.app()["status"]["operationState"] == rolled_back
    config = ("--preview-changes", "--resource", ":ConfigMap:prod-banner", "--timeout", "30")
    assert "No Differences found" in desk.run("app", "sync", desk.name, *config).stdout
    older = ("--preview-changes", "--revision", str(rolled_back["syncResult"]["revision"]))
    shown = desk.run("app", "sync", desk.name, *older, "--timeout", "40").stdout
    assert "No Differences found" in shown
    desk.run("app", "sync", desk.name, "--label", "app=go-sample-app", "--timeout", "40")
    done = desk.app()["status"]["operationState"]["syncResult"]["resources"]
    assert {row["kind"] for row in done} == {"Deployment", "Service"}


def test_a_folder_is_compared_synced_and_never_rolled_back_to(desk: Desk, tmp_path: Path) -> None:
    desk.fill()
    desk.create()
    desk.run("app", "sync", desk.name, "--timeout", "40")
    work = Sample(tmp_path / "work", desk.sample.uses_kustomize)
    shutil.copytree(desk.sample.folder, work.folder)
    work.set_image("prod", "1.0.0", "7.7.7")
    local = ("--local", str(work.folder / "overlays" / "prod"))
    assert "7.7.7" in desk.run("app", "diff", desk.name, *local, code=1).stdout
    assert "7.7.7" in desk.run("app", "manifests", desk.name, *local).stdout
    desk.run("app", "sync", desk.name, *local, "--dry-run", "--timeout", "40")
    assert desk.run("app", "diff", desk.name).stdout == "", "a dry run writes nothing"

    desk.run("app", "sync", desk.name, *local, "--info", "why=a look", "--timeout", "40")
    operation = desk.app()["status"]["operationState"]["operation"]
    assert operation["info"] == [{"name": "why", "value": "a look"}]
    assert "7.7.7" in desk.run("app", "diff", desk.name, code=1).stdout
    assert "HEAD (from a folder)" in desk.run("app", "history", desk.name).stdout
    refused = desk.run("app", "rollback", desk.name, "1", code=20)
    assert "deployment 1" in refused.stderr
    assert "came from a folder" in refused.stderr

    # The options that are for this sync alone.
    desk.run("app", "sync", desk.name, "--replace", "--timeout", "40")
    assert options(desk) == ["Replace=true"]
    assert desk.run("app", "diff", desk.name).stdout == ""
    desk.run("app", "sync", desk.name, "--apply-out-of-sync-only", "--force", "--timeout", "40")
    assert options(desk) == ["ApplyOutOfSyncOnly=true"]
    state = desk.app()["status"]["operationState"]
    assert state["operation"]["sync"]["syncStrategy"] == {"hook": {"force": True}}
    assert state["message"] == "successfully synced (no more tasks)"
    automated = ("--sync-policy", "automated")
    desk.run("app", "set", desk.name, *automated)
    refused = desk.run("app", "sync", desk.name, *local, code=20)
    assert "cannot use local sync when Automatic Sync Policy is enabled" in refused.stderr


def options(desk: Desk) -> Any:
    """The sync options of the last operation."""
    return desk.app()["status"]["operationState"]["operation"]["sync"]["syncOptions"]


def test_what_git_drops_stays_until_somebody_prunes(desk: Desk) -> None:
    desk.fill()
    desk.create()
    desk.run("app", "sync", desk.name, "--timeout", "40")
    desk.sample.remove_banner()
    desk.sample.commit("Remove the banner")
    left = desk.run("app", "sync", desk.name, "--timeout", "40", code=1)
    assert "1 resources require pruning" in left.stderr
    assert f"hint: holdfast app sync {desk.name} --prune" in left.stderr
    desk.run("app", "sync", desk.name, "--prune", "--timeout", "40")
    assert "prod-banner" not in desk.run("app", "resources", desk.name).stdout


def test_an_application_is_changed_and_deleted_with_its_objects(desk: Desk) -> None:
    desk.fill()
    desk.create("--sync-policy", "automated", "--auto-prune")
    desk.run("app", "wait", desk.name, "--timeout", "40")

    # The same again changes nothing; another one is refused, and done with --upsert.
    again = desk.run(
        "app", "create", desk.name, "--repo", desk.sample.url, "--path", "overlays/dev",
        "--dest-namespace", desk.namespace, "--dest-server", "https://kubernetes.default.svc",
        code=20,
    )  # fmt: skip
    assert "existing application spec is different" in again.stderr
    desk.run("app", "set", desk.name, "--self-heal")
    assert desk.app()["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    refused = desk.run("app", "rollback", desk.name, "0", code=20)
    assert "rollback cannot be initiated when auto-sync is enabled" in refused.stderr
    patch = '{"metadata":{"labels":{"team":"a"}}}'
    desk.run("app", "patch", desk.name, "--type", "merge", "--patch", patch)
    assert (
        desk.run("app", "list", "-l", "team=a", "-o", "name").stdout
        == f"{desk.namespace}/{desk.name}\n"
    )
    assert desk.run("app", "list", "-l", "team=b", "-o", "name").stdout == ""

    assert desk.run("app", "delete", desk.name, "--yes", "--wait").stdout == (
        f"application '{desk.name}' deleted\n"
    )
    missing = desk.run("app", "get", desk.name, code=20)
    assert "HF3003" in missing.stderr


def test_an_invalid_application_is_refused_with_the_reason(desk: Desk) -> None:
    nowhere = desk.run(
        "app", "create", desk.name, "--repo", desk.sample.url, "--path", "nowhere",
        "--dest-namespace", "x", "--dest-server", "https://kubernetes.default.svc", code=20,
    )  # fmt: skip
    assert "Unable to generate manifests in nowhere" in nowhere.stderr
    project = desk.run(
        "app", "create", desk.name, "--repo", desk.sample.url, "--path", "overlays/prod",
        "--dest-namespace", "x", "--dest-server", "https://kubernetes.default.svc",
        "--project", "nobodys", code=20,
    )  # fmt: skip
    assert "Application referencing project nobodys which does not exist" in project.stderr
    assert desk.run("app", "list", "-o", "json").stdout == "[]\n"


def test_projects_are_created_used_and_deleted(desk: Desk) -> None:
    desk.run("proj", "create", "team", "-d", f"https://kubernetes.default.svc,{desk.namespace}",
             "-s", desk.sample.url)  # fmt: skip
    assert "team" in desk.run("proj", "list", "-o", "name").stdout.splitlines()
    refused = desk.run(
        "app", "create", desk.name, "--repo", desk.sample.url, "--path", "overlays/prod",
        "--dest-namespace", "elsewhere", "--dest-server", "https://kubernetes.default.svc",
        "--project", "team", code=20,
    )  # fmt: skip
    assert "do not match any of the allowed destinations in project 'team'" in refused.stderr
    desk.create("--project", "team")
    used = desk.run("proj", "delete", "team", code=20)
    assert "project is referenced by 1 applications" in used.stderr
    desk.run("app", "delete", desk.name, "--cascade=false", "--wait")
    desk.run("proj", "delete", "team")


def test_status_tells_who_leads(desk: Desk) -> None:
    status = json.loads(desk.run("status", "-o", "json").stdout)
    assert status["connected"] is True
    assert status["leader"]
    assert status["namespace"] == desk.namespace
