"""The plane that proves the rest: it is the real thing, it plays machines, and it can be broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.plane import RealPlane


@pytest.fixture
def namespace(real_plane: RealPlane) -> str:
    name = f"plane-{uuid.uuid4().hex[:12]}"
    run_kubectl(real_plane, "create", "namespace", name)
    return name


def run_kubectl(plane: RealPlane, *arguments: str, stdin: str | None = None) -> str:
    result = subprocess.run(
        [plane.kubectl, f"--kubeconfig={plane.kubeconfig}", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def job(name: str, command: str) -> str:
    container = {"name": "main", "image": "busybox:1", "command": ["sh", "-c", command]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    return json.dumps(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"spec": spec}},
        }
    )


def test_the_server_and_kubectl_have_the_pinned_version(real_plane: RealPlane) -> None:
    versions: dict[str, Any] = json.loads(run_kubectl(real_plane, "version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"] == "v1.36.3"
    assert versions["clientVersion"]["gitVersion"] == "v1.36.3"


def test_a_config_map_comes_back_as_it_was_applied(real_plane: RealPlane, namespace: str) -> None:
    data = {"greeting": "salût", "empty": "", "lines": "a\nb\n"}
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "round-trip"},
        "data": data,
    }
    apply = ("-n", namespace, "apply", "--server-side", "-f", "-")
    run_kubectl(real_plane, *apply, stdin=json.dumps(manifest))
    answer = run_kubectl(real_plane, "-n", namespace, "get", "cm", "round-trip", "-o", "json")
    assert json.loads(answer)["data"] == data


def test_a_deployment_becomes_available_without_a_machine(
    real_plane: RealPlane, namespace: str
) -> None:
    run_kubectl(real_plane, "-n", namespace, "create", "deploy", "web", "--image=nginx:1")
    answer = run_kubectl(
        real_plane, "-n", namespace, "rollout", "status", "deploy/web", "--timeout=30s"
    )
    assert "successfully rolled out" in answer


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param("echo done", "complete", id="succeeds when its command does"),
        pytest.param("echo sorry; exit 1", "failed", id="fails when its command exits with 1"),
    ],
)
def test_a_job_ends_by_its_command(
    real_plane: RealPlane, namespace: str, command: str, expected: str
) -> None:
    run_kubectl(real_plane, "-n", namespace, "apply", "-f", "-", stdin=job("once", command))
    wait = ("wait", f"--for=condition={expected}", "job/once", "--timeout=30s")
    assert "condition met" in run_kubectl(real_plane, "-n", namespace, *wait)


def test_a_plane_keeps_its_objects_when_the_api_server_crashes(
    start_plane: Callable[..., RealPlane],
) -> None:
    plane = start_plane()
    run_kubectl(plane, "create", "namespace", "survivor")
    plane.kill_apiserver()
    with pytest.raises(OSError, match="refused"):
        plane.get("/readyz")
    plane.start_apiserver()
    assert plane.get("/api/v1/namespaces/survivor")[0] == 200


def test_an_audit_log_names_every_write(start_plane: Callable[..., RealPlane]) -> None:
    plane = start_plane(audit=True)
    run_kubectl(plane, "create", "namespace", "audited")
    entries = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    names = [e["objectRef"].get("name") for e in entries if e["verb"] == "create"]
    assert "audited" in names


def test_a_plane_dies_with_the_process_that_started_it(plane_programs: Path) -> None:
    """Also with one that is killed: nothing may be left on the machine of a developer."""
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.support.plane"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KUBEBUILDER_ASSETS": str(plane_programs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert runner.stdout is not None
    with runner, runner.stdout:
        folder = Path(runner.stdout.readline().strip()).parent
        running = processes_that_name(folder)
        runner.send_signal(signal.SIGKILL)
    assert {"etcd", "kube-apiserver", "kwok"} <= {Path(line.split()[0]).name for line in running}
    eventually_now(lambda: not processes_that_name(folder))


def processes_that_name(folder: Path) -> list[str]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "args"], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listing.splitlines() if str(folder) in line]
