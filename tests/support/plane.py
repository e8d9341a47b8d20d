"""The real control plane: etcd, kube-apiserver, its two companions, and kwok in place of machines.

`RealPlane.start(programs)` has it ready in about five seconds, on free ports of 127.0.0.1, in a
temporary folder. Everything dies with the process that started it, however that one ends.

For a person: `python -m tests.support.plane` (or `make plane`) runs one until Ctrl-C.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.certificates import write_certificates
from tests.support.waiting import eventually_now
from tools import control_plane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STAGES = Path(__file__).with_name("stages.yaml")
NODES = ("node-a", "node-b")
PRINTERS = ("printer-a", "printer-b", "printer-c")

# Waits until the process that started it is gone (its end of the pipe closes), then ends the group.
_WATCHDOG = """
import os, shutil, signal, sys
sys.stdin.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
os.killpg(0, signal.SIGKILL)
"""

_AUDIT_POLICY: dict[str, object] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True, slots=True)
class AuditWebhook:
    """Where kube-apiserver posts its audit events: three times a second, for tests.

    Attributes:
        policy: What it logs, instead of everything at level Metadata.
    """

    url: str
    token: str
    ca_file: Path
    policy: dict[str, object]


class PlaneError(Exception):
    """The plane did not come up, or a part of it ended; the text holds the end of its log."""


@dataclass(slots=True)
class RealPlane:
    """A running control plane.

    Attributes:
        programs: the folder of the programs, kubectl and kustomize among them.
        folder: where its data, logs and certificates lie; removed by `stop`.
        port: where kube-apiserver listens, on 127.0.0.1 alone, over TLS.
        token: a bearer token of a member of system:masters.
        audit: whether each request is written to `audit_log`, one JSON object a line.
        webhook: where audit events are posted, if anywhere.
    """

    programs: Path
    folder: Path
    port: int
    etcd_ports: tuple[int, int]
    kubelet_port: int
    token: str
    audit: bool = False
    webhook: AuditWebhook | None = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _watchdog: subprocess.Popen[bytes] | None = None
    _owned: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def start(
        cls, programs: Path, *, audit: bool = False, webhook: AuditWebhook | None = None
    ) -> Self:
        """Starts a plane and waits until it is usable.

        Raises:
            PlaneError: it was not ready within 60 s, twice (a port can be taken in between).
        """
        try:
            return cls._start_once(programs, audit, webhook)
        except PlaneError:
            return cls._start_once(programs, audit, webhook)

    @classmethod
    def attach(cls, programs: Path, kubeconfig: Path) -> Self:
        """Takes the plane that `make plane` runs, by its kubeconfig; it can't be stopped here."""
        config = json.loads(kubeconfig.read_text())
        port = int(config["clusters"][0]["cluster"]["server"].rpartition(":")[2])
        token = config["users"][0]["user"]["token"]
        return cls(programs, kubeconfig.parent, port, (0, 0), 0, token)

    @classmethod
    def _start_once(cls, programs: Path, audit: bool, webhook: AuditWebhook | None) -> Self:
        owned = tempfile.TemporaryDirectory(prefix="holdfast-plane-", ignore_cleanup_errors=True)
        port, client, peer, kubelet = _free_ports(4)
        folder = Path(owned.name)
        token = secrets.token_hex(16)
        plane = cls(
            programs, folder, port, (client, peer), kubelet, token, audit, webhook, _owned=owned
        )
        try:
            plane._bring_up()
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def url(self) -> str:
        """The address of the API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of an administrator (0600)."""
        return self.folder / "kubeconfig"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients trust."""
        return self.folder / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """Where the requests are written when `audit` is on."""
        return self.folder / "audit.jsonl"

    def log_of(self, printer: str) -> Path:
        """What every container of a name in `PRINTERS` prints, as a kubelet keeps it (CRI)."""
        return self.folder / "printed" / f"{printer}.log"

    @property
    def kubectl(self) -> Path:
        """The kubectl of the same version."""
        return self.programs / "kubectl"

    def stop(self) -> None:
        """Ends all of it and removes its folder. A second call does nothing."""
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
            self._watchdog.wait()
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._processes.clear()
        self._watchdog = None
        if self._owned is not None:
            self._owned.cleanup()

    def kill_apiserver(self) -> None:
        """Ends kube-apiserver at once, as a crash would. Everything else runs on."""
        process = self._processes.pop("kube-apiserver")
        process.kill()
        process.wait()

    def start_apiserver(self) -> None:
        """Starts kube-apiserver again, at the same port on the same data; returns when ready."""
        self._start_apiserver()
        self._wait_for("/readyz", 200)

    def get(self, path: str) -> tuple[int, bytes]:
        """Sends one GET as administrator.

        Raises:
            OSError: the server can't be reached.
        """
        return self._request("GET", path, None)

    def _request(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=trust)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _bring_up(self) -> None:
        write_certificates(self.folder)
        self._write_files()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-c", _WATCHDOG, str(self.folder)],
            stdin=subprocess.PIPE,
            process_group=0,
        )
        client, peer = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        self._run(
            "etcd",
            "--unsafe-no-fsync",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        )
        self._start_apiserver()
        self._wait_for("/readyz", 200)
        self._start_companions()
        for name in NODES:
            self._create_node(name)
        self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", 200)
        for name in NODES:
            self._wait_for_node(name)

    def _start_apiserver(self) -> None:
        folder = self.folder
        policy = f"--audit-policy-file={folder / 'audit-policy.json'}"
        posts = (
            f"--audit-webhook-config-file={folder / 'audit-webhook.json'}",
            "--audit-webhook-batch-max-wait=300ms",
            # It starts before whoever listens does.
            "--audit-webhook-initial-backoff=200ms",
        )
        self._run(
            "kube-apiserver",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_ports[0]}",
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'service-account.key'}",
            f"--service-account-signing-key-file={folder / 'service-account.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # Endpoints of a Service may not be a loopback address, and nobody connects through it.
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--profiling=false",
            # The nodes' names are no host names.
            "--kubelet-preferred-address-types=InternalIP",
            *((policy,) if self.audit or self.webhook else ()),
            *((f"--audit-log-path={self.audit_log}",) if self.audit else ()),
            *(posts if self.webhook else ()),
        )

    def _start_companions(self) -> None:
        # No lease, no port of their own: there is one of each, and nobody asks them anything.
        kubeconfig = f"--kubeconfig={self.kubeconfig}"
        self._run(
            "kube-controller-manager",
            kubeconfig,
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
            f"--service-account-private-key-file={self.folder / 'service-account.key'}",
            f"--root-ca-file={self.ca_file}",
            f"--cluster-signing-cert-file={self.ca_file}",
            f"--cluster-signing-key-file={self.folder / 'ca.key'}",
            "--concurrent-deployment-syncs=10",
            "--concurrent-replicaset-syncs=10",
        )
        self._run("kube-scheduler", f"--config={self.folder / 'scheduler.json'}", "--secure-port=0")
        self._run(
            "kwok",
            kubeconfig,
            f"--config={STAGES}",
            "--manage-all-nodes=true",
            "--node-ip=127.0.0.1",
            "--cidr=10.0.0.0/16",
            # It plays the kubelet as well: logs of containers, from files.
            f"--server-address=127.0.0.1:{self.kubelet_port}",
            f"--node-port={self.kubelet_port}",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            "--node-lease-duration-seconds=40",
        )

    def _run(self, program: str, *arguments: str) -> None:
        assert self._watchdog is not None
        # HOME: kwok and kubectl read files in it; what is on the machine must not change a test.
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)}
        with (self.folder / f"{program}.log").open("ab") as log:
            self._processes[program] = subprocess.Popen(
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                process_group=self._watchdog.pid,
            )

    def _write_files(self) -> None:
        connection = {"kubeconfig": str(self.kubeconfig), "qps": 1000, "burst": 2000}
        scheduler = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": False},
            "clientConnection": connection,
        }
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "plane", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "admin"}}],
            "current-context": "plane",
        }
        policy, webhook = _AUDIT_POLICY, {}
        if self.webhook is not None:
            policy = self.webhook.policy
            listener = {
                "server": self.webhook.url,
                "certificate-authority": str(self.webhook.ca_file),
            }
            webhook = {
                **kubeconfig,
                "clusters": [{"name": "plane", "cluster": listener}],
                "users": [{"name": "admin", "user": {"token": self.webhook.token}}],
            }
        tokens = f'{self.token},admin,admin,"system:masters"\n'
        for name, text in (
            ("tokens.csv", tokens),
            ("kubeconfig", json.dumps(kubeconfig, indent=1)),
            ("scheduler.json", json.dumps(scheduler)),
            ("audit-policy.json", json.dumps(policy)),
            ("audit-webhook.json", json.dumps(webhook)),
        ):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(text)
        for printer in PRINTERS:
            for name in (printer, f"{printer}.previous"):
                self.log_of(name).parent.mkdir(exist_ok=True)
                self.log_of(name).touch()

    def _create_node(self, name: str) -> None:
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        status, answer = self._request("POST", "/api/v1/nodes", node)
        if status != http.HTTPStatus.CREATED:
            raise PlaneError(f"creating node {name}: {status} {answer.decode(errors='replace')}")

    def _wait_for_node(self, name: str) -> None:
        # Until the taint not-ready is gone: before that no pod is placed on it.
        def is_ready() -> bool:
            node = json.loads(self.get(f"/api/v1/nodes/{name}")[1])
            ready = [c for c in node["status"].get("conditions", ()) if c["type"] == "Ready"]
            taken = bool(node["spec"].get("taints"))
            return bool(ready) and ready[0]["status"] == "True" and not taken

        self._wait_until(is_ready, f"node {name}")

    def _wait_for(self, path: str, wanted: int) -> None:
        def is_answered() -> bool:
            try:
                return self.get(path)[0] == wanted
            except OSError:
                return False  # not listening yet

        self._wait_until(is_answered, path)

    def _wait_until(self, holds: Callable[[], bool], what: str) -> None:
        def look() -> bool:
            if holds():
                return True
            for name, process in self._processes.items():
                if process.poll() is not None:
                    ended = f"{name} ended with {process.returncode}"
                    raise PlaneError(f"{ended}:\n{self._log_tail(name)}")
            return False

        try:
            eventually_now(look, seconds=60)
        except AssertionError:
            logs = "\n".join(self._log_tail(name) for name in self._processes)
            raise PlaneError(f"no {what} within 60 s:\n{logs}") from None

    def _log_tail(self, program: str) -> str:
        lines = (self.folder / f"{program}.log").read_text(errors="replace").splitlines()
        return "\n".join(f"  {program}: {line}" for line in lines[-15:])


def _free_ports(count: int) -> list[int]:
    """Returns ports of 127.0.0.1 that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a plane in the foreground; the first line on stdout is its kubeconfig."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.plane", description=main.__doc__)
    parser.add_argument("--audit", action="store_true", help="write each request to audit.jsonl")
    options = parser.parse_args(arguments)
    programs = control_plane.find(os.environ)
    if programs is None:
        print("the control plane is not there: run `make control-plane` first", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    began = time.monotonic()
    plane = RealPlane.start(programs, audit=options.audit)
    try:
        print(plane.kubeconfig, flush=True)
        took = time.monotonic() - began
        print(f"ready in {took:.1f} s; {plane.url}; logs in {plane.folder}", file=sys.stderr)
        print(f"export KUBECONFIG={plane.kubeconfig} PATH={programs}:$PATH", file=sys.stderr)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        plane.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
