"""The grammar of the ConfigMap `holdfast-notifications`. Runs in the worker: it reads YAML.

    cluster: production                  # optional: what messages call this cluster
    target.NAME: |                       # one key for each target
      type: webhook | apprise
      url: https://…                     # may hold $secret-name:key, as all texts below
      secret: $secret-name:key           # webhook: what it is signed with
      headers: {Name: value}             # webhook, optional
      events: [on-drift, …]              # default: all
      applications: ["team-a-*"]         # globs over name and namespace/name, default: all
      projects: ["*"]                    # globs
      group: 10s                         # 0s to 1h
      repeat: 1h                         # 10s to 24h
      timeout: 10s                       # 1s to 30s

Every problem is a sentence that names the key; there are settings only when there is no problem.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from holdfast.domain.globs import is_glob
from holdfast.domain.operation import parse_duration_s
from holdfast.kit.yamlio import YamlError, load_one
from holdfast.notices.settings import (
    ALL_EVENTS,
    REFERENCE,
    NoticeSettings,
    Target,
    TargetType,
)

MOST_TARGETS = 20
_PREFIX = "target."
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,48}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = ("holdfast-", "content-", "host", "transfer-encoding", "connection")
_KEYS = {
    "type", "url", "secret", "headers", "events", "applications", "projects", "group", "repeat",
    "timeout",
}  # fmt: skip
_DURATIONS = {"group": (0.0, 3600.0), "repeat": (10.0, 86400.0), "timeout": (1.0, 30.0)}
_WEBHOOK_ONLY = ("secret", "headers")


class _WrongError(Exception):
    """One problem, as a sentence."""


def read_settings(data: Mapping[str, str]) -> tuple[NoticeSettings, list[str]]:
    """Read the `data` of the ConfigMap.

    Returns:
        The settings and the problems; with a problem the settings hold what could be read, and
        must not be used.
    """
    problems: list[str] = []
    targets: list[Target] = []
    for key, text in sorted(data.items()):
        if key == "cluster":
            continue
        try:
            targets.append(_target(key, text))
        except _WrongError as error:
            problems.append(f"{key}: {error}")
    if len(targets) > MOST_TARGETS:
        problems.append(f"there are {len(targets)} targets; {MOST_TARGETS} are possible")
    return NoticeSettings(tuple(targets), data.get("cluster", "").strip()), problems


def _target(key: str, text: str) -> Target:
    name = key.removeprefix(_PREFIX)
    if name == key:
        raise _WrongError('no such key; targets are called "target.NAME", the cluster "cluster"')
    if not _NAME.fullmatch(name):
        raise _WrongError("a name has small letters, digits and dashes, 50 at most")
    tree = _mapping(text)
    unknown = sorted(set(tree) - _KEYS)
    if unknown:
        raise _WrongError(f'"{unknown[0]}" is not known; known are {", ".join(sorted(_KEYS))}')
    kind = _type(tree)
    is_webhook = kind is TargetType.WEBHOOK
    if not is_webhook and (extra := [key for key in _WEBHOOK_ONLY if key in tree]):
        raise _WrongError(f'"{extra[0]}" is for webhooks alone')
    return Target(
        name=name,
        type=kind,
        url=_url(tree, is_webhook=is_webhook),
        secret=_secret(tree) if is_webhook else "",
        headers=_headers(tree),
        events=_events(tree),
        applications=_globs(tree, "applications"),
        projects=_globs(tree, "projects"),
        group_s=_duration(tree, "group", 10.0),
        repeat_s=_duration(tree, "repeat", 3600.0),
        timeout_s=_duration(tree, "timeout", 10.0),
    )


def _mapping(text: str) -> dict[str, Any]:
    try:
        tree = load_one(text)
    except YamlError as error:
        raise _WrongError(f"does not parse: {error}") from error
    if not isinstance(tree, dict) or not tree:
        raise _WrongError("write keys and values, such as `type: webhook`")
    return tree


def _type(tree: dict[str, Any]) -> TargetType:
    try:
        return TargetType(tree.get("type", "webhook"))
    except ValueError:
        raise _WrongError('"type" is webhook or apprise') from None


def _url(tree: dict[str, Any], *, is_webhook: bool) -> str:
    url = _text(tree, "url")
    if not url:
        raise _WrongError('"url" is missing')
    if REFERENCE.match(url):
        return url  # the whole address, or its beginning, stands in a Secret
    parts = urlsplit(url)
    if is_webhook and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise _WrongError('"url" of a webhook begins with https:// or http:// and names a host')
    if is_webhook and (parts.username or parts.password):
        raise _WrongError('"url" may hold no user and password; give a header by reference')
    if not parts.scheme:
        raise _WrongError('"url" of apprise begins with a scheme, such as slack:// or mailto://')
    return url


def _secret(tree: dict[str, Any]) -> str:
    text = _text(tree, "secret")
    if not text:
        raise _WrongError('"secret" is missing: webhooks are signed; give $secret-name:key')
    if not REFERENCE.fullmatch(text):
        raise _WrongError(
            '"secret" must be a reference, $secret-name:key: a ConfigMap is no place for a secret'
        )
    return text


def _headers(tree: dict[str, Any]) -> dict[str, str]:
    headers = tree.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise _WrongError('"headers" are names and texts')
    for name, text in headers.items():
        if not _HEADER.fullmatch(name) or "\n" in text or "\r" in text:
            raise _WrongError(f'"{name}" is no header')
        if name.lower().startswith(_OUR_HEADERS):
            raise _WrongError(f'header "{name}" is set by Holdfast')
    return headers


def _events(tree: dict[str, Any]) -> tuple[str, ...]:
    events = _list(tree, "events", list(ALL_EVENTS))
    wrong = [event for event in events if event not in ALL_EVENTS]
    if wrong:
        raise _WrongError(f'"{wrong[0]}" is no event; events are {", ".join(ALL_EVENTS)}')
    return tuple(dict.fromkeys(events))


def _globs(tree: dict[str, Any], key: str) -> tuple[str, ...]:
    globs = _list(tree, key, ["*"])
    wrong = [pattern for pattern in globs if not is_glob(pattern)]
    if wrong:
        raise _WrongError(f'"{key}": "{wrong[0]}" cannot be read as a pattern')
    return tuple(globs)


def _list(tree: dict[str, Any], key: str, default: list[str]) -> list[str]:
    values = tree.get(key, default)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _WrongError(f'"{key}" is a list of texts')
    return values


def _duration(tree: dict[str, Any], key: str, default_s: float) -> float:
    if key not in tree:
        return default_s
    least, most = _DURATIONS[key]
    seconds = _seconds(tree[key])
    if seconds is None or not least <= seconds <= most:
        raise _WrongError(f'"{key}" is a time such as 30s, from {least:g}s to {most:g}s')
    return seconds


def _seconds(value: Any) -> float | None:
    try:
        return parse_duration_s(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(tree: dict[str, Any], key: str) -> str:
    value = tree.get(key, "")
    if not isinstance(value, str) or any(ord(char) < 32 for char in value):
        raise _WrongError(f'"{key}" is a text of one line')
    return value.strip()
