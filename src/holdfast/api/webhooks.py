"""Pushes that a git host tells of: is it really the host, and what was pushed?

The provider is told by its header, in Argo CD's order (docs/internals/argocd/api.md §6.1). Whether
the sender knows the secret is settled on the bytes, before anything is parsed.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from holdfast.api.failures import ApiError, Code
from holdfast.domain.manifest import Tree


@dataclass(frozen=True, slots=True)
class Push:
    """One pushed ref.

    Attributes:
        repositories: Addresses under which the repository is known.
        ref: Branch or tag, without `refs/…/`.
        is_default: Whether it is the default branch.
        changed: Paths that the commits touch; empty when that is not known.
    """

    repositories: tuple[str, ...]
    ref: str
    is_default: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """One git host.

    Attributes:
        header: Which header names its event.
        events: Events that are pushes; all others are taken note of.
        ignored: Events that are known and no pushes.
        secret: Key of `argocd-secret`.
        verify: `(body, headers, secret)`.
        parse: From the payload to pushes.
    """

    name: str
    header: str
    events: frozenset[str]
    ignored: frozenset[str]
    secret: str
    verify: Callable[[bytes, Mapping[str, str], str], bool]
    parse: Callable[[Tree], list[Push]]


def find_provider(headers: Mapping[str, str]) -> Provider | None:
    """Return who sends; None when no header tells."""
    return next((provider for provider in PROVIDERS if provider.header in headers), None)


def read_pushes(
    provider: Provider, body: bytes, headers: Mapping[str, str], secret: str
) -> list[Push]:
    """Return what was pushed, once the sender has proved to know the secret.

    Raises:
        ApiError: 400, the proof fails, the event is unknown, or the payload cannot be read.
    """
    if secret and not provider.verify(body, headers, secret):
        raise _failed("the signature does not match")
    event = headers[provider.header]
    if provider.events and event in provider.ignored:
        return []
    if provider.events and event not in provider.events:
        raise ApiError(Code.INVALID_ARGUMENT, "Unknown webhook event")
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _failed("the payload is no JSON") from error
    try:
        return provider.parse(payload)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise _failed("the payload is not as the provider documents it") from error


def _failed(why: str) -> ApiError:
    return ApiError(Code.INVALID_ARGUMENT, f"Webhook processing failed: {why}")


# --- proofs ------------------------------------------------------------------------------------


def _hmac(header: str, prefix: str = "", algorithm: str = "sha256") -> Callable[..., bool]:
    def verify(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        given = headers.get(header, "")
        if not given.startswith(prefix):
            return False
        made = hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
        return hmac.compare_digest(given.removeprefix(prefix).encode(), made.encode())

    return verify


def _same(header: str) -> Callable[..., bool]:
    def verify(_body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return hmac.compare_digest(headers.get(header, "").encode(), secret.encode())

    return verify


def _github(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    if "x-hub-signature-256" in headers:
        return _hmac("x-hub-signature-256", "sha256=")(body, headers, secret)
    return _hmac("x-hub-signature", "sha1=", "sha1")(body, headers, secret)


def _basic(_body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, secret.encode())


# --- payloads ----------------------------------------------------------------------------------


def _branch(ref: str) -> str:
    """`refs/heads/a/b` -> `a/b`."""
    parts = ref.split("/", 2)
    return parts[2] if len(parts) > 2 and parts[0] == "refs" else ref


def _changed(commits: Iterable[Tree]) -> tuple[str, ...]:
    kinds = ("added", "modified", "removed")
    return tuple({str(p) for commit in commits for kind in kinds for p in commit.get(kind) or ()})


def _texts(*values: Any) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value)


def _from_github(payload: Tree) -> list[Push]:
    """GitHub, Gitea and Gogs: Gitea sends Gogs' header, with the same fields."""
    repository, branch = payload["repository"], _branch(payload["ref"])
    urls = _texts(*(repository.get(k) for k in ("html_url", "clone_url", "ssh_url", "url")))
    is_default = branch == repository.get("default_branch")
    return [Push(urls, branch, is_default, _changed(payload.get("commits") or ()))]


def _from_gitlab(payload: Tree) -> list[Push]:
    if payload.get("object_kind", payload.get("event_name")) not in ("push", "tag_push"):
        return []
    project, branch = payload["project"], _branch(payload["ref"])
    urls = _texts(*(project.get(k) for k in ("web_url", "git_http_url", "git_ssh_url")))
    is_default = branch == project.get("default_branch")
    return [Push(urls, branch, is_default, _changed(payload.get("commits") or ()))]


def _from_bitbucket(payload: Tree) -> list[Push]:
    """Bitbucket Cloud tells neither the default branch nor the files: both are assumed."""
    urls = _texts(payload["repository"]["links"]["html"]["href"])
    names = [(change.get("new") or {}).get("name") for change in payload["push"]["changes"]]
    return [Push(urls, name, is_default=True) for name in _texts(*names)]


def _from_bitbucket_server(payload: Tree) -> list[Push]:
    links = payload["repository"]["links"].get("clone") or []
    urls = _texts(*(link.get("href") for link in links))
    names = _texts(*(change["ref"]["id"] for change in payload["changes"]))
    return [Push(urls, _branch(name), is_default=True) for name in names]


def _from_azure(payload: Tree) -> list[Push]:
    if payload.get("eventType") != "git.push":
        raise ApiError(Code.INVALID_ARGUMENT, "Unknown webhook event")
    resource = payload["resource"]
    repository = resource["repository"]
    urls = _texts(repository.get("remoteUrl"), repository.get("sshUrl"))
    default = _branch(repository.get("defaultBranch") or "")
    names = [_branch(update["name"]) for update in resource["refUpdates"]]
    return [Push(urls, name, name == default) for name in names]


PROVIDERS = (
    Provider("Azure DevOps", "x-vss-activityid", frozenset(), frozenset(),
             "webhook.azuredevops", _basic, _from_azure),
    Provider("Gogs", "x-gogs-event", frozenset({"push"}), frozenset(),
             "webhook.gogs.secret", _hmac("x-gogs-signature"), _from_github),
    Provider("GitHub", "x-github-event", frozenset({"push"}), frozenset({"ping"}),
             "webhook.github.secret", _github, _from_github),
    Provider("GitLab", "x-gitlab-event",
             frozenset({"Push Hook", "Tag Push Hook", "System Hook"}), frozenset(),
             "webhook.gitlab.secret", _same("x-gitlab-token"), _from_gitlab),
    Provider("Bitbucket", "x-hook-uuid", frozenset(), frozenset(),
             "webhook.bitbucket.uuid", _same("x-hook-uuid"), _from_bitbucket),
    Provider("Bitbucket Server", "x-event-key", frozenset({"repo:refs_changed"}),
             frozenset({"diagnostics:ping"}), "webhook.bitbucketserver.secret",
             _hmac("x-hub-signature", "sha256="), _from_bitbucket_server),
)  # fmt: skip
