"""The real kubectl, unmodified, in a namespace of its own on one of the planes."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.kube_rest import KubeRest
from tests.support.waiting import eventually_now

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import AnyPlane


@dataclass(frozen=True, slots=True)
class Said:
    """What kubectl printed."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        """Standard output, line by line."""
        return self.out.splitlines()

    @property
    def header(self) -> list[str]:
        """The titles of a table (two spaces or more stand between them)."""
        return [title for title in self.lines[0].split("  ") if title.strip()]


@dataclass(slots=True)
class Kubectl:
    """Runs kubectl.

    Attributes:
        program: The file.
        plane: Where it works.
        folder: Its home: cache and files.
        namespace: Its default namespace.
    """

    program: Path
    plane: AnyPlane
    folder: Path
    namespace: str = "default"
    _rest: KubeRest | None = None

    def try_run(self, *arguments: str, stdin: str = "", **environment: str) -> Said:
        """Run it, whatever comes of it."""
        command = [str(self.program), f"--kubeconfig={self.plane.kubeconfig}"]
        command += [f"--cache-dir={self.folder / 'cache'}", f"--namespace={self.namespace}"]
        home = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)}
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=home | environment,
            timeout=50,
            check=False,
        )
        return Said(done.stdout, done.stderr, done.returncode)

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Said:
        """Run it; a failure fails the test with kubectl's words."""
        said = self.try_run(*arguments, stdin=stdin, **environment)
        assert said.code == 0, f"kubectl {' '.join(arguments)}: {said.out}{said.err}"
        return said

    def json(self, *arguments: str) -> Any:
        """Run it with `-o json` and decode the answer."""
        return json.loads(self(*arguments, "-o", "json", "--show-managed-fields").out)

    def apply(self, *trees: Any, options: tuple[str, ...] = ()) -> Said:
        """Apply objects from standard input."""
        text = "\n---\n".join(json.dumps(tree) for tree in trees)
        return self("apply", "-f", "-", *options, stdin=text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it in the background (`get -w`); the test ends it."""
        command = [str(self.program), f"--kubeconfig={self.plane.kubeconfig}"]
        command += [f"--cache-dir={self.folder / 'cache'}", f"--namespace={self.namespace}"]
        return subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)},
        )

    def enter_new_namespace(self) -> str:
        """Create a namespace with a name of its own and work in it from now on."""
        name = f"kubectl-{uuid.uuid4().hex[:8]}"
        made = self.rest.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.status == 201, made
        self.namespace = name
        # The account that every pod needs is made by a controller.
        path = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        eventually_now(lambda: self.rest.send("GET", path).status == 200)
        return name

    @property
    def rest(self) -> KubeRest:
        """A bare client for what kubectl does not show; `close` closes it."""
        if self._rest is None:
            self._rest = KubeRest.open(self.plane.kubeconfig)
        return self._rest

    def close(self) -> None:
        """Close the bare client's connection."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    def path(self, plural: str, name: str = "", *, group: str = "") -> str:
        """Return the REST path of something in the namespace."""
        root = f"/apis/{group}" if group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")


def config_map(name: str, **data: str) -> Any:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str, *, image: str = "nginx:1", replicas: int = 2) -> Any:
    """A Deployment of one container."""
    labels = {"app": name}
    container = {"name": "web", "image": image, "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
