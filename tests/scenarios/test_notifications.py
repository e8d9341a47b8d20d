"""People are told what drifted, who did it, what became of it (N7): once, and no secrets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.domain.pause import ANNOUNCED_ANNOTATION, pause_tree
from tests.support.loaded import type_holdfast
from tests.support.person import Ref
from tests.support.receiver import Receiver
from tests.support.site import Site, at_work, config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.sandbox import AnyPlane

Tree = dict[str, Any]
KEY = "a-key-that-signs"
CANARY = "canary-6b1f0d"
NAME = "holdfast-notifications"


@pytest.fixture
async def site(plane: AnyPlane, tmp_path: Path) -> AsyncIterator[Site]:
    async with at_work(plane.kubeconfig, tmp_path) as found:
        await found.person.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": "ops",
                    "namespace": found.control,
                    "labels": {"app.kubernetes.io/part-of": "argocd"},
                },
                "stringData": {"key": KEY},
            }
        )
        yield found


def webhook(receiver: Receiver, more: str = "group: 1s\n") -> str:
    return f"url: {receiver.url}\nsecret: $ops:key\n{more}"


async def configure(site: Site, **data: str) -> None:
    """Writes the ConfigMap; what it says is in force without a restart."""
    ref = Ref("v1", "ConfigMap", site.control, NAME)
    named = {key.replace("_", "."): text for key, text in data.items()}
    if await site.person.find(ref) is None:
        metadata = {"name": NAME, "namespace": site.control}
        await site.person.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": named}
        )
    else:
        await site.person.patch(ref, {"data": named})


async def in_force(site: Site, targets: int) -> None:
    await asyncio.to_thread(site.process.wait_for, rf"notifications targets={targets}\b")


async def edit(site: Site, ref: Ref, **data: str) -> None:
    await site.person.edit(ref, lambda tree: tree["data"].update(data), "kubectl-edit")


async def test_a_burst_of_edits_becomes_one_signed_message_with_who_and_before_and_after(
    site: Site,
) -> None:
    app = await site.deploy(
        "web",
        {"a.yaml": config_map("a", color="blue"), "b.yaml": config_map("b", color="green")},
    )
    async with Receiver() as receiver:
        await configure(site, target_ops=webhook(receiver))
        await in_force(site, 1)
        await edit(site, app.place("a"), color="red")
        await edit(site, app.place("b"), color="black")
        got = await receiver.next()
        body = got.json()
        assert body["app"] == {"namespace": site.control, "name": app.name, "project": "default"}
        assert sorted(body["events"]) == ["on-drift", "on-heal"]
        found = {entry["object"]["name"]: entry for entry in body["entries"]}
        assert sorted(found) == ["a", "b"]
        assert found["a"]["changes"] == [{"path": "data.color", "before": "blue", "after": "red"}]
        assert found["b"]["changes"][0]["after"] == "black"
        for entry in found.values():
            assert (entry["who"], entry["state"]) == (["kubectl-edit"], "healed")
            assert entry["tookMs"] > 0
        signed = f"{got.headers['holdfast-timestamp']}.".encode() + got.body
        expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
        assert got.headers["holdfast-signature"] == f"v1={expected}"

        # The same again is not told again; a deletion is.
        await edit(site, app.place("a"), color="red")
        await site.person.delete(app.place("b"))
        again = (await receiver.next()).json()
        assert [(e["object"]["name"], e["what"]) for e in again["entries"]] == [("b", "missing")]


async def test_the_value_of_a_secret_is_in_no_message(site: Site) -> None:
    text = base64.b64encode(b"declared-" + CANARY.encode()).decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{key: {text}}}\n"
    app = await site.deploy("web", {"s.yaml": secret, "a.yaml": config_map("a", color="blue")})
    async with Receiver() as receiver:
        await configure(site, target_ops=webhook(receiver))
        await in_force(site, 1)
        changed = base64.b64encode(b"changed-" + CANARY.encode()).decode()
        await edit(site, app.place("s", "Secret"), key=changed)
        got = await receiver.next()
        (entry,) = got.json()["entries"]
        assert entry["changes"] == [{"path": "data.key", "before": "(secret)", "after": "(secret)"}]
        for form in (CANARY, text, changed, text[:16], "hmac-sha256"):
            assert form not in got.body.decode()
            assert form not in site.process.text


async def test_a_wrong_configuration_is_said_and_the_last_good_one_goes_on(site: Site) -> None:
    app = await site.deploy("web", {"a.yaml": config_map("a", color="blue")})
    async with Receiver() as receiver:
        await configure(site, target_ops=webhook(receiver))
        await in_force(site, 1)
        await configure(site, target_ops=webhook(receiver, "events: [on-fire]\n"))
        await asyncio.to_thread(site.process.wait_for, r"HF3014.*on-fire")

        async def event() -> list[Tree]:
            path = f"/api/v1/namespaces/{site.control}/events"
            listed = (await site.person.send("GET", path)).tree
            return [e for e in listed["items"] if e["reason"] == "InvalidConfiguration"]

        (said,) = await eventually(event)
        assert said["involvedObject"]["name"] == NAME
        assert "on-fire" in said["message"]
        await edit(site, app.place("a"), color="red")
        assert (await receiver.next()).json()["app"]["name"] == app.name

        lease = Ref("coordination.k8s.io/v1", "Lease", site.control, "holdfast")

        async def noted() -> bool:
            annotations = (await site.person.get(lease))["metadata"].get("annotations", {})
            return "on-fire" in annotations.get("holdfast.dev/notifications", "")

        await eventually(noted, seconds=30)


async def test_only_what_an_application_subscribed_to_is_told(site: Site) -> None:
    quiet = await site.deploy("quiet", {"a.yaml": config_map("a", color="blue")})
    loud = await site.deploy("loud", {"a.yaml": config_map("a", color="blue")})
    await loud.patch(
        {"metadata": {"annotations": {"notifications.argoproj.io/subscribe.on-heal.ops": ""}}}
    )
    async with Receiver() as receiver:
        await configure(site, target_ops=webhook(receiver, "group: 1s\napplications: []\n"))
        await in_force(site, 1)
        await edit(site, quiet.place("a"), color="red")
        await edit(site, loud.place("a"), color="red")
        body = (await receiver.next()).json()
        assert (body["app"]["name"], body["events"]) == (loud.name, ["on-heal"])
    assert json.dumps(body).count(quiet.name) == 0


async def test_a_fight_and_a_pause_that_ends_soon_are_told(site: Site) -> None:
    app = await site.deploy("web", {"a.yaml": config_map("a", color="blue")})
    async with Receiver() as receiver:
        events = "group: 1s\nevents: [on-fight, on-pause-expiring]\n"
        await configure(site, target_ops=webhook(receiver, events))
        await in_force(site, 1)

        async def is_blue() -> bool:
            return bool((await site.person.get(app.place("a")))["data"]["color"] == "blue")

        def paint(tree: Tree, color: str) -> None:
            tree["data"]["color"] = color

        for color in ("red", "green", "black"):
            await site.person.edit(app.place("a"), partial(paint, color=color), "a-controller")
            await eventually(is_blue)
        fight = (await receiver.next()).json()
        assert fight["events"] == ["on-fight"]
        assert fight["app"]["name"] == app.name
        (entry,) = fight["entries"]
        assert "a-controller" in json.dumps(entry)
        assert "ignoreDifferences" in json.dumps(entry)  # how to end it

        moment = datetime.now(UTC) + timedelta(seconds=20)
        spec = {
            "scope": "Application",
            "target": app.name,
            "until": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": "INC-1",
            "author": "ann",
        }
        told = pause_tree("inc-0", site.control, {**spec, "reason": "INC-0"})
        told["metadata"]["annotations"] = {ANNOUNCED_ANNOTATION: spec["until"]}
        await site.person.create(told)  # an earlier process announced its end
        await site.person.create(pause_tree("inc-1", site.control, spec))
        pause = (await receiver.next(60)).json()
        assert pause["events"] == ["on-pause-expiring"]
        assert pause["app"]["name"] == app.name
        assert "INC-1" in json.dumps(pause["entries"])
        assert "INC-0" not in json.dumps(pause["entries"])
        stored = await site.person.get(Ref("holdfast.dev/v1alpha1", "Pause", site.control, "inc-1"))
        said = stored["metadata"]["annotations"][ANNOUNCED_ANNOTATION]
        assert datetime.fromisoformat(said) == datetime.fromisoformat(spec["until"])
        assert datetime.now(UTC) < moment + timedelta(seconds=1)


async def test_drift_that_is_not_healed_is_told_and_why_by_webhook_and_by_apprise(
    site: Site,
) -> None:
    files = {"a.yaml": config_map("a", color="blue")}
    held = await site.deploy("held", files, policy={"automated": {"selfHeal": False}})
    refused = await site.deploy("refused", files)
    async with Receiver() as receiver, Receiver() as chat:
        events = "group: 1s\nevents: [on-drift, on-heal-failed]\n"
        await configure(
            site,
            target_ops=webhook(receiver, events),
            target_chat=f"type: apprise\nurl: json://{chat.address}/\n{events}",
        )
        await in_force(site, 2)

        await edit(site, held.place("a"), color="red")
        body = (await receiver.next()).json()
        assert (body["app"]["name"], body["events"]) == (held.name, ["on-drift"])
        (entry,) = body["entries"]
        assert (entry["state"], entry["why"]) == ("not healed", "self-heal is off")
        assert entry["changes"] == [{"path": "data.color", "before": "blue", "after": "red"}]
        told = (await chat.next()).json()
        assert held.name in told["title"] + told["message"]

        def spoil(tree: Tree) -> None:
            tree["data"]["color"], tree["immutable"] = "red", True

        await site.person.edit(refused.place("a"), spoil, "kubectl-edit")
        body = (await receiver.next()).json()
        assert body["app"]["name"] == refused.name
        assert body["events"] == ["on-drift", "on-heal-failed"]
        (entry,) = body["entries"]
        assert entry["state"] == "heal failed"
        assert "immutable" in entry["why"]
        assert entry["who"] == ["kubectl-edit"]
        told = (await chat.next()).json()
        assert "immutable" in told["message"]
        assert {"path": "data.color", "before": "blue", "after": "red"} in entry["changes"]


async def test_what_waits_when_the_process_ends_is_told(site: Site) -> None:
    app = await site.deploy("web", {"a.yaml": config_map("a", color="blue")})
    async with Receiver() as receiver:
        await configure(site, target_ops=webhook(receiver, "group: 1h\n"))
        await in_force(site, 1)
        await edit(site, app.place("a"), color="red")

        async def is_blue() -> bool:
            return bool((await site.person.get(app.place("a")))["data"]["color"] == "blue")

        await eventually(is_blue)
        assert await asyncio.to_thread(site.process.stop) == 0
        assert (await receiver.next()).json()["app"]["name"] == app.name


async def test_a_test_message_goes_through_the_controller_and_says_what_became_of_it(
    site: Site,
) -> None:
    async def ask(target: str) -> tuple[int, str]:
        place = ("--namespace", site.control, "--kubeconfig", str(site.kubeconfig))
        done = await asyncio.to_thread(
            type_holdfast, "notifications", "test", target, *place, timeout=90
        )
        return done.returncode, done.stdout + done.stderr

    async with Receiver("200 OK", "404 Not Found") as receiver:
        await configure(site, target_ops=webhook(receiver, "applications: []\n"))
        await in_force(site, 1)
        assert await ask("ops") == (0, "ops was told: HTTP 200\n")
        got = await receiver.next()
        assert got.json()["events"] == ["test"]
        signed = f"{got.headers['holdfast-timestamp']}.".encode() + got.body
        expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
        assert got.headers["holdfast-signature"] == f"v1={expected}"
        code, said = await ask("ops")
        assert code == 20
        assert "HF4005" in said
        assert "target ops was not told: HTTP 404 Not Found" in said
    code, said = await ask("chat")
    assert code == 20
    assert "there is no target chat: it has ops" in said
