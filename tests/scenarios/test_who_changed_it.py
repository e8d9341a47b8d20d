"""Who made a drift: what managedFields tell, and what the audit webhook of a real API server adds.

The sandbox keeps no audit log; what managedFields tell is compared on both planes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import stat
import subprocess
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.journal import EpisodeFilter
from holdfast.journal.engines import parse_dsn
from holdfast.journal.reading import Journal
from tests.support.certificates import write_certificates
from tests.support.plane import AuditWebhook
from tests.support.site import Site, at_work, start
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from holdfast.domain.journal import Episode
    from tests.support.plane import RealPlane
    from tests.support.sandbox import AnyPlane
    from tests.support.site import SiteApp

ADMIN = "--as-group=system:masters"
ANN = ("--as=ann@example.com", ADMIN)
HPA_USER = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
HPA = (f"--as={HPA_USER}", ADMIN)
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1"}]}
"""
POLICY: dict[str, object] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "RequestResponse", "omitManagedFields": True},
    ],
}


@contextlib.asynccontextmanager
async def audited(
    start_plane: Callable[..., RealPlane], folder: Path
) -> AsyncIterator[tuple[Site, RealPlane]]:
    """A controller that the API server tells what it was asked for."""
    address = free_address()
    token = secrets.token_hex(16)
    (folder / "token").write_text(f"{token}\n")
    tls = folder / "tls"
    tls.mkdir()
    write_certificates(tls)
    # Over plain HTTP kube-apiserver sends no token at all.
    webhook = AuditWebhook(f"https://{address}/audit", token, tls / "ca.crt", POLICY)
    plane = await asyncio.to_thread(start_plane, webhook=webhook)
    options = (
        *("--listen", address, "--audit-token-file", str(folder / "token")),
        *("--tls-cert-file", str(tls / "server.crt"), "--tls-key-file", str(tls / "server.key")),
    )
    async with at_work(plane.kubeconfig, folder, *options) as site:
        yield site, plane


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


async def deployed(site: Site) -> SiteApp:
    return await site.deploy("who", {"web.yaml": DEPLOYMENT})


async def kubectl(site: Site, program: str, *words: str, **environ: str) -> None:
    await asyncio.to_thread(
        subprocess.run,
        [program, "--kubeconfig", str(site.kubeconfig), *words],
        env={**os.environ, **environ},
        check=True,
        capture_output=True,
        timeout=60,
    )


async def episode_where(site: Site, holds: Callable[[Episode], object]) -> Episode:
    """Waits until the journal has the one drift of which something holds."""
    journal = Journal(parse_dsn(str(site.folder / "data" / "journal.db")))
    seen: list[Any] = []

    async def look() -> Episode | None:
        episodes = await journal.episodes(EpisodeFilter())
        seen[:] = [episode.to_tree() for episode in episodes]
        found = [episode for episode in episodes if holds(episode)]
        assert len(found) < 2, "one drift has several episodes"
        return found[0] if found else None

    async def explain() -> Any:
        return seen

    found = await eventually(look, explain=explain)
    assert found is not None
    return found


def is_over(episode: Episode) -> bool:
    """Whether it is known who it was, and put right: the next edit meets the object at rest."""
    return episode.culprit is not None and not episode.is_open


def user_is(episode: Episode, name: str) -> bool:
    return episode.culprit is not None and episode.culprit.username == name


def user_of(episode: Episode) -> tuple[str, str, str, str]:
    assert episode.culprit is not None
    found = episode.culprit
    assert found.source_ip == "127.0.0.1"
    assert found.user_agent.startswith("kubectl/")
    return found.username, found.impersonator, found.verb, found.matched_by


def owner_of(episode: Episode) -> tuple[str, str, str]:
    (owner,) = episode.changes[0].owners
    # An entry that was made through `scale` has no time, on the real server.
    assert owner.time.startswith("20") or owner.subresource == "scale"
    return owner.manager, owner.operation, owner.subresource


@pytest.mark.timeout(180)
async def test_the_audit_webhook_names_the_user_of_each_drift(
    start_plane: Callable[..., RealPlane], tmp_path: Path
) -> None:
    async with audited(start_plane, tmp_path) as (site, plane):
        app = await deployed(site)
        program, namespace = str(plane.kubectl), ("-n", app.namespace)
        editor = tmp_path / "editor"
        editor.write_text("#!/bin/sh\nexec sed -i 's/replicas: 2$/replicas: 5/' \"$1\"\n")
        editor.chmod(editor.stat().st_mode | stat.S_IXUSR)

        await kubectl(
            site, program, *namespace, *ANN, "edit", "deployment/web", KUBE_EDITOR=str(editor)
        )
        edited = await episode_where(site, lambda e: is_over(e) and "kubectl-edit" in e.managers)
        assert user_of(edited) == ("ann@example.com", "admin", "patch", "resourceVersion")
        assert owner_of(edited) == ("kubectl-edit", "Update", "")
        assert edited.who == "ann@example.com (impersonated by admin) with kubectl-edit"

        await kubectl(site, program, *namespace, "scale", "deployment/web", "--replicas=7")
        scaled = await episode_where(site, lambda e: is_over(e) and user_is(e, "admin"))
        assert user_of(scaled) == ("admin", "", "patch", "resourceVersion")
        assert owner_of(scaled) == ("kubectl", "Update", "scale")

        await kubectl(site, program, *namespace, *HPA, "scale", "deployment/web", "--replicas=9")
        by_hpa = await episode_where(site, lambda e: is_over(e) and user_is(e, HPA_USER))
        assert user_of(by_hpa)[:3] == (HPA_USER, "admin", "patch")

        await kubectl(site, program, *namespace, *ANN, "delete", "deployment/web")
        gone = await episode_where(site, lambda e: is_over(e) and e.what == "missing")
        assert user_of(gone) == ("ann@example.com", "admin", "delete", "uid")
        assert gone.managers == ()
        assert gone.state == "healed"

        await kubectl(
            site, program, *namespace, *ANN, "patch", "deployment/web", "--type=json",
            '-p=[{"op": "remove", "path": "/spec/template/metadata/labels/app"},'
            ' {"op": "add", "path": "/spec/template/metadata/labels/app", "value": "web"},'
            ' {"op": "remove", "path": "/metadata/annotations/argocd.argoproj.io~1tracking-id"}]',
        )  # fmt: skip
        removed = await episode_where(
            site, lambda e: e.culprit and e.what == "changed" and not e.managers
        )
        assert user_of(removed)[:2] == ("ann@example.com", "admin")


async def test_the_user_is_named_when_the_batch_comes_after_a_restart(
    plane: AnyPlane, tmp_path: Path
) -> None:
    token, address = secrets.token_hex(16), free_address()
    (tmp_path / "token").write_text(token)
    options = ("--listen", address, "--audit-token-file", str(tmp_path / "token"))
    async with at_work(plane.kubeconfig, tmp_path, *options) as site:
        app = await deployed(site)
        place = app.place("web", "Deployment", "apps/v1")
        uid = (await site.person.get(place))["metadata"]["uid"]
        await site.person.delete(place)
        gone = await episode_where(site, lambda e: e.what == "missing" and not e.is_open)
        assert gone.who == "unknown"
        await asyncio.to_thread(site.process.kill)
        site.process = start(site.kubeconfig, site.folder, site.control, *options)
        await asyncio.to_thread(site.process.is_leading)

        await asyncio.to_thread(post_deletion, address, token, app.namespace, uid)

        named = await episode_where(site, lambda e: e.culprit)
        assert (named.id, named.who) == (gone.id, "ann@example.com")
        assert named.culprit is not None
        assert named.culprit.matched_by == "uid"


def post_deletion(address: str, token: str, namespace: str, uid: str) -> None:
    """What kube-apiserver sends of ann's deletion, half a minute after it."""
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    event = {
        "level": "RequestResponse",
        "auditID": "a-1",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/apps/v1/namespaces/{namespace}/deployments/web",
        "verb": "delete",
        "user": {"username": "ann@example.com"},
        "sourceIPs": ["127.0.0.1"],
        "userAgent": "kubectl/v1.36.3",
        "objectRef": {
            "resource": "deployments",
            "namespace": namespace,
            "name": "web",
            "apiGroup": "apps",
            "apiVersion": "v1",
        },
        "responseStatus": {"code": 200},
        "responseObject": {"kind": "Status", "details": {"uid": uid}},
        "stageTimestamp": moment,
    }
    body = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event]}
    request = urllib.request.Request(
        f"http://{address}/audit",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


async def test_without_the_webhook_managers_are_named_and_deletions_are_unknown(
    plane: AnyPlane, tmp_path: Path
) -> None:
    async with at_work(plane.kubeconfig, tmp_path) as site:
        app = await deployed(site)
        place = app.place("web", "Deployment", "apps/v1")
        await site.person.patch(place, {"spec": {"replicas": 5}}, manager="kubectl-edit")
        edited = await episode_where(site, lambda e: e.what == "changed" and not e.is_open)
        assert owner_of(edited) == ("kubectl-edit", "Update", "")
        await site.person.delete(place)
        gone = await episode_where(site, lambda e: e.what == "missing" and not e.is_open)
        assert (gone.who, gone.culprit) == ("unknown", None)
