"""`holdfast run` next to others: it observes without a write, waits its turn, refuses, counts."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.assembly.sample import Sample, applications
from holdfast.kit import yamlio
from tests.support.loaded import type_holdfast
from tests.support.process import OBSERVING, WAITING, HoldfastProcess, sandbox_process
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.plane import RealPlane

READS = {"get", "list", "watch"}
TAKE_OVER_LIMIT_S = 30


@pytest.fixture(scope="module")
def sandbox_kubeconfig() -> Iterator[Path]:
    with sandbox_process() as kubeconfig:
        yield kubeconfig


@pytest.fixture
def namespace() -> str:
    """A control namespace of the test's own."""
    return f"run-{uuid.uuid4().hex[:8]}"


def holdfast(kubeconfig: Path, namespace: str, *words: str, stdin: str = "") -> str:
    environ = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOLDFAST_NAMESPACE": namespace}
    done = type_holdfast(*words, env=environ, stdin=stdin)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def writes_of_holdfast(plane: RealPlane) -> list[str]:
    """Every request of ours that is no read and no dry run, as the API server saw it."""
    found = []
    for line in plane.audit_log.read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        if entry.get("userAgent") != "holdfast" or entry["verb"] in READS:
            continue
        if "dryRun=All" not in entry["requestURI"]:
            found.append(f"{entry['verb']} {entry['requestURI']}")
    return found


@pytest.mark.timeout(180)
def test_observing_sends_no_write(start_plane: Callable[..., RealPlane], tmp_path: Path) -> None:
    """Counted by the API server itself, while everything differs and an object is deleted."""
    plane = start_plane(audit=True)
    sample = Sample.open_or_create(tmp_path / "sample")
    options: dict[str, Any] = {"repositories": str(tmp_path)}
    kubeconfig = plane.kubeconfig
    first = HoldfastProcess.run(kubeconfig, "argocd", tmp_path / "data", **options)
    first.is_leading()
    trees = yamlio.dump_all(applications(sample, "argocd"))
    holdfast(kubeconfig, "argocd", "app", "create", "-f", "-", stdin=trees)
    holdfast(kubeconfig, "argocd", "app", "wait", "go-sample-app-prod", "--timeout", "60")
    holdfast(kubeconfig, "argocd", "app", "set", "go-sample-app-prod", "--self-heal")
    assert first.stop() == 0
    assert writes_of_holdfast(plane), "the audit log knows our writes"

    before = len(writes_of_holdfast(plane))
    watcher = HoldfastProcess.run(
        kubeconfig, "argocd", tmp_path / "observer", "--observe",
        "--metrics-listen", "127.0.0.1:0", **options,
    )  # fmt: skip
    watcher.wait_for(OBSERVING)
    watcher.wait_for(r"watching namespace=")
    sample.set_image("prod", "1.0.0", "1.1.0")
    sample.commit("Something to deploy")
    kubectl = [str(plane.kubectl), "--kubeconfig", str(kubeconfig), "-n", "prod"]
    subprocess.run([*kubectl, "delete", "deploy", "prod-go-sample-app"], check=True)
    address = watcher.wait_for(r"metrics=(127\.0\.0\.1:\d+)")[1]
    until_observed(address)
    assert watcher.stop() == 0
    assert writes_of_holdfast(plane)[before:] == []


def until_observed(address: str) -> None:
    """Wait until the observer has looked; its metrics are the only place where it may tell."""
    until, text = time.monotonic() + 30, ""
    while time.monotonic() < until:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        lines = [line for line in text.splitlines() if line.startswith("argocd_app_info{")]
        if any('name="go-sample-app-prod"' in line for line in lines):
            return
    raise AssertionError(f"the observer says nothing of the application:\n{text}")


@pytest.mark.parametrize("how", ["stops", "dies"])
def test_a_second_process_waits_and_takes_over(
    how: str, sandbox_kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    first = HoldfastProcess.run(sandbox_kubeconfig, namespace, tmp_path / "one")
    second = HoldfastProcess.run(sandbox_kubeconfig, namespace, tmp_path / "two")
    try:
        leader, other = first, second
        for process in (first, second):
            if process.wait_for(r"leading as|waiting for the lease").group().startswith("leading"):
                leader = process
            else:
                other = process
        assert leader is not other
        other.wait_for(WAITING)
        assert not other.has_said("watching namespace=")
        if how == "stops":
            assert leader.stop() == 0
        else:
            leader.kill()
        other.is_leading(seconds=TAKE_OVER_LIMIT_S)
        assert other.stop() == 0
    finally:
        first.kill()
        second.kill()


def test_it_does_not_start_beside_argocds_controller(
    sandbox_kubeconfig: Path, namespace: str, tmp_path: Path, kubectl: Path
) -> None:
    spec = {
        "replicas": 1,
        "serviceName": "x",
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "x", "image": "x"}]},
        },
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "argocd-application-controller", "namespace": namespace},
            "spec": spec,
        },
    ]
    subprocess.run(
        [str(kubectl), "--kubeconfig", str(sandbox_kubeconfig), "create", "-f", "-"],
        input=yamlio.dump_all(objects),
        text=True,
        check=True,
    )
    refused = HoldfastProcess.run(sandbox_kubeconfig, namespace, tmp_path / "data")
    assert refused.wait() == 20
    assert "HF3002" in refused.text
    assert "--take-over" in refused.text
    taking = HoldfastProcess.run(sandbox_kubeconfig, namespace, tmp_path / "data", "--take-over")
    taking.is_leading()
    assert taking.stop() == 0


def ask(url: str) -> str:
    """The answer; nothing while the controller or the page's process still reads the cluster."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 503:
                raise
        return ""


def test_health_and_metrics_are_served(
    sandbox_kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    process = HoldfastProcess.run(
        sandbox_kubeconfig, namespace, tmp_path / "data",
        "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
    )  # fmt: skip
    found = process.wait_for(r"listening address=(\S+) metrics=(\S+)")
    process.is_leading()
    pages = {}
    for path in ("healthz", "readyz", "api/version"):
        url = f"http://{found[1]}/{path}"

        def is_answered(url: str = url) -> str:
            pages[url] = ask(url)
            return pages[url]

        eventually_now(is_answered, seconds=60)
    health, readiness, version = pages.values()
    assert health == readiness == "ok"
    assert "Version" in version
    with urllib.request.urlopen(f"http://{found[2]}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert "holdfast_leader 1.0" in text
    assert 'k8s_version="v1.36' in text
    assert process.stop() == 0


def test_an_address_that_is_taken_is_said(
    sandbox_kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    port = sandbox_kubeconfig.read_text().split("https://127.0.0.1:")[1].split()[0].strip("\"',")
    process = HoldfastProcess.run(
        sandbox_kubeconfig, namespace, tmp_path / "data", "--metrics-listen", f"127.0.0.1:{port}"
    )
    assert process.wait() == 20
    assert f"--metrics-listen 127.0.0.1:{port} cannot be used" in process.text
