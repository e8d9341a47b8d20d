"""The grammar of the ConfigMap: what is wrong is named, and nothing wrong is ever in force."""

from __future__ import annotations

import pytest

from holdfast.domain.identity import AppKey
from holdfast.notices.grammar import read_settings
from holdfast.notices.notice import AppFacts, Trigger
from holdfast.notices.settings import ALL_EVENTS, NoticeSettings, Target, TargetType

WEBHOOK = "url: https://hooks.example/x\nsecret: $ops:key\n"
WEB = AppKey("argocd", "web")


def target(text: str) -> Target:
    settings, problems = read_settings({"target.ops": text})
    assert problems == []
    return settings.targets[0]


def test_what_is_not_written_has_a_default() -> None:
    found = target(WEBHOOK)
    assert (found.name, found.type, found.events) == ("ops", TargetType.WEBHOOK, ALL_EVENTS)
    assert (found.group_s, found.repeat_s, found.timeout_s) == (10.0, 3600.0, 10.0)


def test_everything_that_is_written_is_taken() -> None:
    found = target(
        WEBHOOK
        + "headers: {X-Team: $ops:team}\nevents: [on-heal]\napplications: [web-*]\n"
        + "projects: [prod]\ngroup: 1m\nrepeat: 2h\ntimeout: 5s\n"
    )
    assert found.headers == {"X-Team": "$ops:team"}
    assert (found.events, found.applications, found.projects) == (
        ("on-heal",),
        ("web-*",),
        ("prod",),
    )
    assert (found.group_s, found.repeat_s, found.timeout_s) == (60.0, 7200.0, 5.0)


def test_settings_survive_the_way_through_json() -> None:
    settings, _ = read_settings({"target.ops": WEBHOOK, "cluster": "prod"})
    assert NoticeSettings.from_tree(settings.to_tree()) == settings


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        pytest.param("ops", WEBHOOK, "no such key", id="a key of another name"),
        pytest.param("target.Ops", WEBHOOK, "small letters", id="a name with a capital"),
        pytest.param("target.ops", "a: [", "does not parse", id="no YAML"),
        pytest.param("target.ops", "hello", "keys and values", id="no mapping"),
        pytest.param("target.ops", WEBHOOK + "colour: red", '"colour"', id="an unknown key"),
        pytest.param("target.ops", "type: fax\n" + WEBHOOK, "webhook or apprise", id="a type"),
        pytest.param("target.ops", "secret: $a:b", '"url" is missing', id="no address"),
        pytest.param("target.ops", "url: ftp://x\nsecret: $a:b", "https://", id="another scheme"),
        pytest.param(
            "target.ops", "url: https://u:p@x/\nsecret: $a:b", "password", id="a password"
        ),
        pytest.param("target.ops", "url: https://x", "webhooks are signed", id="no secret"),
        pytest.param(
            "target.ops", "url: https://x\nsecret: abc", "reference", id="a secret in the open"
        ),
        pytest.param("target.ops", WEBHOOK + "events: [on-fire]", "on-fire", id="an event"),
        pytest.param("target.ops", WEBHOOK + "events: on-heal", "list", id="no list"),
        pytest.param("target.ops", WEBHOOK + "projects: ['{a']", "pattern", id="a pattern"),
        pytest.param("target.ops", WEBHOOK + "group: 2h", "from 0s", id="too long a group"),
        pytest.param("target.ops", WEBHOOK + "repeat: soon", "repeat", id="no duration"),
        pytest.param(
            "target.ops", WEBHOOK + "headers: {Holdfast-Signature: x}", "set by", id="our header"
        ),
        pytest.param(
            "target.ops", "type: apprise\nurl: slack://x\nsecret: $a:b", "webhooks alone", id="mix"
        ),
    ],
)
def test_what_is_wrong_is_named(key: str, text: str, words: str) -> None:
    _, problems = read_settings({key: text})
    assert len(problems) == 1
    assert problems[0].startswith(f"{key}: ")
    assert words in problems[0]


@pytest.mark.parametrize(
    ("extra", "project", "annotations", "wants"),
    [
        pytest.param("", "any", {}, True, id="everything by default"),
        pytest.param("applications: [we*]", "", {}, True, id="by name"),
        pytest.param("applications: [argocd/*]", "", {}, True, id="by namespace and name"),
        pytest.param("applications: [api]", "", {}, False, id="another application"),
        pytest.param("projects: [prod]", "dev", {}, False, id="another project"),
        pytest.param("events: [on-heal]", "", {}, False, id="another event"),
        pytest.param(
            "applications: []", "", {"subscribe.on-drift.ops": ""}, True, id="subscribed to it"
        ),
        pytest.param(
            "events: [on-heal]", "", {"subscribe.on-drift.ops": ""}, True, id="to that event alone"
        ),
        pytest.param("applications: []", "", {"subscribe.ops": ""}, True, id="to all its events"),
        pytest.param(
            "applications: []", "", {"subscribe.on-drift.chat": ""}, False, id="another target"
        ),
    ],
)
def test_who_hears_of_a_drift(
    extra: str, project: str, annotations: dict[str, str], wants: bool
) -> None:
    found = target(WEBHOOK + extra)
    named = {f"notifications.argoproj.io/{key}": value for key, value in annotations.items()}
    assert found.wants(Trigger.DRIFT, WEB, AppFacts(project, named)) is wants


def test_references_are_replaced_wherever_they_stand() -> None:
    found = target("type: apprise\nurl: slack://$chat:token/$chat:channel\n")
    assert found.secret_names() == {"chat"}
    values = {"token": "abc", "channel": "ops"}
    assert found.resolved(lambda _, key: values[key]).url == "slack://abc/ops"
