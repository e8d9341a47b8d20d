"""Pod (controller.md §5.3).

A pod *lasts* when its containers are meant to run for ever: `restartPolicy: Always`, or the
annotation `argocd.argoproj.io/ignore-restart-policy: "true"` on a pod that is no hook.
"""

from collections.abc import Mapping

from holdfast.assessing.reading import (
    degraded,
    find_condition,
    healthy,
    mappings,
    member,
    progressing,
    text,
    unknown,
)
from holdfast.domain.health import Health
from holdfast.domain.hooks import is_hook
from holdfast.domain.manifest import JSON, Manifest

IGNORE_RESTART_POLICY_ANNOTATION = "argocd.argoproj.io/ignore-restart-policy"


def assess_pod(live: Manifest) -> Health:
    """Assess a v1 Pod."""
    lasts = _lasts(live)
    if lasts:
        stuck = [waiting for waiting in _waiting(live) if _is_stuck(member(waiting, "reason"))]
        if stuck:
            return degraded(", ".join(member(waiting, "message") for waiting in stuck))
    message = text(live, "status", "message")
    match text(live, "status", "phase"):
        case "Pending":
            return progressing(message)
        case "Succeeded":
            return healthy(message)
        case "Failed":
            return degraded(message or _failure_of_containers(live))
        case "Running":
            return _assess_running(live, message) if lasts else progressing(message)
        case _:
            return unknown(message)


def _lasts(live: Manifest) -> bool:
    if text(live, "spec", "restartPolicy") == "Always":
        return True
    return live.annotation(IGNORE_RESTART_POLICY_ANNOTATION) == "true" and not is_hook(live)


def _assess_running(live: Manifest, message: str) -> Health:
    ready = find_condition(live, "Ready")
    if ready is not None and ready.get("status") == "True":
        return healthy(message)
    for container in mappings(live.at("status", "containerStatuses")):
        if _block(container, "lastState", "terminated"):
            return degraded(message)
    return progressing(message)


def _waiting(live: Manifest) -> list[Mapping[str, JSON]]:
    containers = mappings(live.at("status", "containerStatuses"))
    blocks = [_block(container, "state", "waiting") for container in containers]
    return [block for block in blocks if block]


def _is_stuck(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def _failure_of_containers(live: Manifest) -> str:
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in mappings(live.at("status", group)):
            message = _failure(container)
            if message:
                return message
    return ""


def _failure(container: Mapping[str, JSON]) -> str:
    ended = _block(container, "state", "terminated")
    if member(ended, "message"):
        return member(ended, "message")
    if ended.get("reason") == "OOMKilled":
        return "OOMKilled"
    if ended.get("exitCode"):
        name, code = member(container, "name"), ended["exitCode"]
        return f'container "{name}" failed with exit code {code}'
    return ""


def _block(container: Mapping[str, JSON], *path: str) -> Mapping[str, JSON]:
    value: JSON = container
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
