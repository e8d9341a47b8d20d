"""Pods on the one node: placed, made ready, ended. The same play as kwok's on the real plane.

    restartPolicy Always              Pending -> Running, ready
      its command fails               Pending -> Running, not ready, CrashLoopBackOff
    restartPolicy Never, OnFailure    Pending -> Running, ready -> Succeeded or Failed
      "sleep N" in its command        stays Running for N seconds; "sleep infinity" for ever
    an image tagged does-not-exist    -> Pending, ImagePullBackOff

A command fails when its words hold `exit 1` (… 9) or `false`.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.domain.manifest import Tree
from holdfast.sandbox.controllers.access import PODS, Access, value
from holdfast.sandbox.controllers.conditions import set_condition
from holdfast.sandbox.controllers.engine import Wakes, own_key
from holdfast.sandbox.kinds.resource import ResourceId
from holdfast.sandbox.options import DeleteOptions
from holdfast.sandbox.plane import parse_time
from holdfast.sandbox.store.objects import Key

NODE = "sandbox"
NODE_IP = "127.0.0.1"
NODES = ResourceId("", "nodes")
KUBELET = "kubelet"
SCHEDULER = "kube-scheduler"

# Seconds that a pod which ends stays Running, so that watchers see it.
_RUN_S = 0.05

# Seconds until a pod without a place is looked at again.
_PLACE_AGAIN_S = 2.0

_FAILS = re.compile(r"exit [1-9]|(^|[ ;&|/])false($|[ ;&|])")
_SLEEPS = re.compile(r"sleep (\d+)")


def _command(pod: Tree) -> str:
    rows = value(pod, "spec", "containers", default=[])
    words = [*(w for row in rows for w in (row.get("command") or []) + (row.get("args") or []))]
    return " ".join(str(word) for word in words)


@dataclass(slots=True)
class Pods:
    """Reconciles Pods."""

    name: str = "pod"
    wakes: dict[ResourceId | None, Wakes] = field(default_factory=lambda: {PODS: own_key})
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    _used: set[str | None] | None = None
    _seen: dict[str, None] = field(default_factory=dict)

    def reconcile(self, access: Access, key: Key) -> float | None:
        """Take a pod one step further."""
        pod = access.find(PODS, key)
        if pod is None:
            return None
        if pod["metadata"].get("deletionTimestamp"):
            self._end(access, pod)
            return None
        if not value(pod, "spec", "nodeName"):
            return self._place(access, pod)
        phase = value(pod, "status", "phase", default="Pending")
        if phase == "Pending" and value(pod, "spec", "nodeName") == NODE:
            if not value(pod, "status", "containerStatuses"):
                self._start(access, pod)
            return None
        if phase == "Running" and value(pod, "spec", "restartPolicy", default="Always") != "Always":
            return self._finish(access, pod)
        return None

    def _end(self, access: Access, pod: Tree) -> None:
        """The node has stopped the pod: no grace is left."""
        if pod["metadata"].get("deletionGracePeriodSeconds"):
            options = DeleteOptions(grace_s=0, uid=pod["metadata"]["uid"])
            access.delete(PODS, pod, options)

    def _place(self, access: Access, pod: Tree) -> float | None:
        refusal = _refusal(access, pod)
        now = access.plane.now()
        status = dict(pod.get("status") or {})
        row: Tree = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        if refusal:
            reason, message = refusal
            row |= {"status": "False", "reason": reason, "message": message}
            conditions = set_condition(status.get("conditions"), row, now)
            known = status.get("conditions")
            if known != conditions:
                status |= {"phase": "Pending", "conditions": conditions}
                access.set_status(PODS, pod, status, SCHEDULER)
                if reason == "Unschedulable":
                    access.emit(pod, "Warning", "FailedScheduling", message, "default-scheduler")
            return _PLACE_AGAIN_S
        row["observedGeneration"] = pod["metadata"].get("generation", 1)
        status["conditions"] = set_condition(status.get("conditions"), row, now)
        spec = {**pod["spec"], "nodeName": NODE}
        metadata = dict(pod["metadata"])
        # A binding has no field manager: nobody comes to own spec.nodeName.
        store = access.plane.store
        key = (metadata["namespace"], metadata["name"])
        store.put(PODS, key, {**pod, "metadata": metadata, "spec": spec, "status": status})
        where = f"{metadata['namespace']}/{metadata['name']}"
        access.emit(
            pod,
            "Normal",
            "Scheduled",
            f"Successfully assigned {where} to {NODE}",
            "default-scheduler",
        )
        return None

    def _start(self, access: Access, pod: Tree) -> None:
        now = access.plane.now()
        images = [str(row.get("image", "")) for row in pod["spec"].get("containers") or []]
        always = value(pod, "spec", "restartPolicy", default="Always") == "Always"
        if any(image.endswith(":does-not-exist") for image in images):
            waiting = "ImagePullBackOff"
        elif always and _FAILS.search(_command(pod)):
            waiting = "CrashLoopBackOff"
        else:
            waiting = ""
        status = dict(pod.get("status") or {})
        running = waiting != "ImagePullBackOff"
        status["phase"] = "Running" if running else "Pending"
        status["hostIP"] = NODE_IP
        status["hostIPs"] = [{"ip": NODE_IP}]
        status["startTime"] = now
        if running:
            address = self._address(access)
            status["podIP"] = address
            status["podIPs"] = [{"ip": address}]
        conditions = status.get("conditions")
        for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"):
            good = not waiting or kind in {"PodReadyToStartContainers", "Initialized"}
            conditions = set_condition(conditions, _condition(pod, kind, good=good), now)
        for gate in pod["spec"].get("readinessGates") or []:
            row = _condition(pod, gate["conditionType"], good=True)
            conditions = set_condition(conditions, row, now)
        status["conditions"] = conditions
        if pod["spec"].get("initContainers"):
            status["initContainerStatuses"] = [
                _ended(row, now) for row in pod["spec"]["initContainers"]
            ]
        status["containerStatuses"] = [
            _waiting(row, waiting, now) if waiting else _running(row, now)
            for row in pod["spec"].get("containers") or []
        ]
        access.set_status(PODS, pod, status, KUBELET)
        self._tell_start(access, pod, waiting)

    @staticmethod
    def _tell_start(access: Access, pod: Tree, waiting: str) -> None:
        for row in pod["spec"].get("containers") or []:
            name, image = row.get("name"), row.get("image")
            if waiting == "ImagePullBackOff":
                message = f'Back-off pulling image "{image}"'
                access.emit(pod, "Warning", "BackOff", message, KUBELET)
            elif waiting:
                message = f"Back-off restarting failed container {name}"
                access.emit(pod, "Warning", "BackOff", message, KUBELET)

    def _finish(self, access: Access, pod: Tree) -> float | None:
        """End a pod that does not run for ever, when its time has come."""
        command = _command(pod)
        if "sleep infinity" in command:
            return None
        sleeps = _SLEEPS.search(command)
        wanted = float(sleeps.group(1)) if sleeps else _RUN_S
        started = parse_time(value(pod, "status", "startTime", default=access.plane.now()))
        passed = (access.plane.clock.now() - started).total_seconds()
        if sleeps and passed < wanted:
            return wanted - passed
        uid = pod["metadata"]["uid"]
        if not sleeps and uid not in self._seen:
            # Times have whole seconds; the short run is counted from the first look.
            self._seen[uid] = None
            while len(self._seen) > 10_000:
                self._seen.pop(next(iter(self._seen)))
            return _RUN_S
        self._seen.pop(uid, None)
        self._complete(access, pod, failed=bool(_FAILS.search(command)))
        return None

    @staticmethod
    def _complete(access: Access, pod: Tree, *, failed: bool) -> None:
        now = access.plane.now()
        status = dict(pod["status"])
        status["phase"] = "Failed" if failed else "Succeeded"
        reason = "PodFailed" if failed else "PodCompleted"
        conditions = status.get("conditions")
        for kind in ("Ready", "ContainersReady"):
            row = {**_condition(pod, kind, good=False), "reason": reason}
            row.pop("message", None)
            conditions = set_condition(conditions, row, now)
        status["conditions"] = conditions
        rows = []
        for row in status.get("containerStatuses") or []:
            began = value(row, "state", "running", "startedAt", default=now)
            ended = {
                "exitCode": 1 if failed else 0,
                "reason": "Error" if failed else "Completed",
                "startedAt": began,
                "finishedAt": now,
            }
            rows.append({**row, "ready": False, "started": False, "state": {"terminated": ended}})
        status["containerStatuses"] = rows
        access.set_status(PODS, pod, status, KUBELET)

    def _address(self, access: Access) -> str:
        if self._used is None:
            # After a restart the pods of the former life keep their addresses.
            self._used = {value(pod, "status", "podIP") for pod in access.all_of(PODS)}
        while True:
            number = next(self._addresses) % 65_000
            address = f"10.244.{number // 254}.{number % 254 + 1}"
            if address not in self._used:
                return address


def _refusal(access: Access, pod: Tree) -> tuple[str, str] | None:
    """Return why the pod has no place: reason and message; None when it has one."""
    gates = pod["spec"].get("schedulingGates")
    if gates:
        return "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates"
    nodes = access.all_of(NODES)
    node = next((tree for tree in nodes if tree["metadata"]["name"] == NODE), None)
    if node is None:
        return "Unschedulable", "no nodes available to schedule pods"
    if value(node, "spec", "unschedulable"):
        return "Unschedulable", "0/1 nodes are available: 1 node(s) were unschedulable."
    for taint in value(node, "spec", "taints", default=[]):
        if taint.get("effect") in {"NoSchedule", "NoExecute"} and not _tolerates(pod, taint):
            text = f"{{{taint.get('key')}: {taint.get('value', '')}}}"
            message = f"0/1 nodes are available: 1 node(s) had untolerated taint {text}."
            return "Unschedulable", message
    labels = node["metadata"].get("labels") or {}
    for key, wanted in (pod["spec"].get("nodeSelector") or {}).items():
        if labels.get(key) != wanted:
            return (
                "Unschedulable",
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
            )
    return None


def _tolerates(pod: Tree, taint: Tree) -> bool:
    for row in pod["spec"].get("tolerations") or []:
        fits = row.get("effect") in {None, "", taint.get("effect")}
        exists = row.get("operator") == "Exists" and row.get("key") in {None, "", taint.get("key")}
        equal = row.get("key") == taint.get("key") and row.get("value", "") == taint.get(
            "value", ""
        )
        if fits and (exists or (equal and row.get("operator", "Equal") == "Equal")):
            return True
    return False


def _condition(pod: Tree, kind: str, *, good: bool) -> Tree:
    row: Tree = {
        "type": kind,
        "status": "True" if good else "False",
        "lastProbeTime": None,
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    if not good:
        names = " ".join(str(item.get("name")) for item in pod["spec"].get("containers") or [])
        row["reason"] = "ContainersNotReady"
        row["message"] = f"containers with unready status: [{names}]"
    return row


def _running(container: Tree, now: str) -> Tree:
    return {
        "name": container.get("name"),
        "image": container.get("image"),
        "imageID": "",
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "started": True,
        "state": {"running": {"startedAt": now}},
    }


def _waiting(container: Tree, reason: str, now: str) -> Tree:
    row = _running(container, now)
    crashed = reason == "CrashLoopBackOff"
    row |= {"ready": False, "started": False, "restartCount": 1 if crashed else 0}
    if crashed:
        ended = {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}
        row["lastState"] = {"terminated": ended}
        message = f"back-off 10s restarting failed container={container.get('name')}"
    else:
        message = f'Back-off pulling image "{container.get("image")}"'
    row["state"] = {"waiting": {"reason": reason, "message": message}}
    return row


def _ended(container: Tree, now: str) -> Tree:
    row = _running(container, now)
    if container.get("restartPolicy") == "Always":
        return row
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    return {**row, "started": False, "state": {"terminated": ended}}
