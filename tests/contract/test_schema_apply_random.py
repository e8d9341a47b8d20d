"""Random writes by several managers: our server-side apply keeps step with a real API server.

Seeded, so that a failure can be repeated; what the server refuses as invalid (422) is left out.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.contract.test_schema_apply import (
    GADGET_CRD,
    KINDS,
    Replay,
    Step,
    container,
    template,
)
from tests.support.kube_rest import APPLY_PATCH, MERGE_PATCH, KubeRest, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.domain.manifest import JSON
    from tests.support.plane import RealPlane

SEEDS = range(16)
STEPS = 10
FREE: list[JSON] = [1, "x", {"a": 1}, {"b": 2, "a": 0}, [1], []]


@pytest.fixture(scope="module")
def rest(real_plane: RealPlane) -> Iterator[KubeRest]:
    client = KubeRest.open(real_plane.kubeconfig)
    client.install_crd(GADGET_CRD)
    yield client
    client.close()


def random_gadget(random: Random) -> JSON:
    rules: dict[tuple[str, str], JSON] = {}
    for _ in range(random.randint(0, 4)):
        rule: JSON = {"name": random.choice("abc")}
        if random.random() < 0.5:
            rule["proto"] = random.choice(["TCP", "UDP"])
        if random.random() < 0.5:
            rule["port"] = random.randint(1, 3)
        rules[rule["name"], rule.get("proto", "TCP")] = rule
    free = {key: random.choice(FREE) for key in random.sample("xyz", random.randint(0, 2))}
    parts: JSON = {
        "replicas": random.randint(0, 2),
        "port": random.choice([80, "http"]),
        "free": free,
        "whole": {random.choice("ab"): random.choice("12")},
        "tags": random.sample("tuvw", random.randint(0, 3)),
        "rules": list(rules.values()),
    }
    spec = {name: value for name, value in parts.items() if random.random() < 0.5}
    labels = {random.choice("lm"): random.choice("12")}
    return {"spec": spec} | ({"metadata": {"labels": labels}} if random.random() < 0.3 else {})


def random_container(random: Random, name: str) -> JSON:
    env = random.sample("ABCD", random.randint(0, 4))
    ports = random.sample([80, 81, 82], random.randint(0, 3))
    parts: JSON = {
        "env": [{"name": key, "value": random.choice("12")} for key in env],
        "ports": [
            {"containerPort": port, "protocol": random.choice(["TCP", "UDP"])} for port in ports
        ],
        "args": random.sample("ab", random.randint(0, 2)),
        "resources": {"limits": {"cpu": random.choice(["1", "1000m", "2"])}},
        "livenessProbe": {"httpGet": {"port": 80}, "periodSeconds": random.choice([5, 10])},
    }
    kept = {part: value for part, value in parts.items() if random.random() < 0.4}
    return container(name, **kept)


def random_template(random: Random) -> JSON:
    names = random.sample("cdef", random.randint(1, 3))
    volumes = random.sample("vw", random.randint(0, 2))
    parts: JSON = {
        "nodeSelector": {random.choice("ab"): random.choice("12")},
        "volumes": [{"name": name, "emptyDir": {}} for name in volumes],
        "terminationGracePeriodSeconds": random.choice([0, 5]),
    }
    kept = {part: value for part, value in parts.items() if random.random() < 0.3}
    return {"template": template(*(random_container(random, name) for name in names), **kept)}


def is_valid(rest: KubeRest, replay: Replay, step: Step) -> bool:
    """Ask the server whether it would take a write at all."""
    path = path_of(replay.base, replay.plural)
    query = {"fieldManager": step.manager, "dryRun": "All"}
    if step.verb == "apply":
        query |= {"force": "true"} if step.force else {}
        answer = rest.send("PATCH", path, replay.complete(step.body), APPLY_PATCH, **query)
    else:
        answer = rest.send("PATCH", path, step.body, MERGE_PATCH, **query)
    return answer.status not in (404, 422)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_writes_give_the_servers_object(rest: KubeRest, seed: int) -> None:
    random = Random(seed)
    kind, make = random.choice([("Gadget", random_gadget), ("PodTemplate", random_template)])
    api_version, plural = KINDS[kind]
    replay = Replay(rest, kind, api_version, plural, rest.new_namespace())
    for number in range(STEPS):
        body = make(random)
        step = Step("merge", random.choice("abu"), body)
        if number == 0 or random.random() < 0.65:
            step = Step("apply", random.choice("abc"), body, force=random.random() < 0.6)
        if is_valid(rest, replay, step):
            replay.take(step, f"seed {seed}, step {number}: {step}")
