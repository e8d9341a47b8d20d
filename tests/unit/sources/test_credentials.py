"""Which Secret signs in to which repository (docs/internals/argocd/controller.md §10.2)."""

import base64
from typing import Any

import pytest

from holdfast.sources.credentials import SECRET_TYPE, RepositoryCredentials


def secret(kind: str, url: str, **values: str) -> dict[str, Any]:
    data = {
        key: base64.b64encode(v.encode()).decode() for key, v in (values | {"url": url}).items()
    }
    return {"metadata": {"labels": {SECRET_TYPE: kind}}, "data": data}


SECRETS = [
    secret("repository", "https://git.example/team/Shop.git", username="a", password="own"),
    secret("repository", "https://git.example/team/public"),
    secret("repo-creds", "https://git.example/", username="b", password="short"),
    secret("repo-creds", "https://git.example/team/", username="c", password="long"),
    secret("repository", "https://charts.example", type="helm", username="d", password="helm"),
    secret("cluster", "https://other.example/", password="cluster"),
    secret("repository", "git@git.example:team/keys.git", sshPrivateKey="KEY", insecure="true"),
    {"metadata": {"labels": {SECRET_TYPE: "repository"}}, "data": {"url": "%%%"}},
]


@pytest.mark.parametrize(
    ("url", "password"),
    [
        pytest.param("https://git.example/team/shop", "own", id="its own, however it is written"),
        pytest.param("https://git.example/team/public", "long", id="none of its own: a prefix"),
        pytest.param("https://git.example/team/other", "long", id="the longest prefix"),
        pytest.param("https://git.example/x/y", "short", id="a shorter prefix"),
    ],
)
def test_the_credentials_come_from(url: str, password: str) -> None:
    credentials = RepositoryCredentials()
    credentials.replace(SECRETS)
    found = credentials(url)
    assert found is not None
    assert found.password == password


def test_a_host_that_only_begins_alike_gets_no_credentials() -> None:
    credentials = RepositoryCredentials()
    credentials.replace(SECRETS)
    assert credentials("https://git.example.attacker.org/team/shop") is None


@pytest.mark.parametrize("url", ["https://charts.example", "https://other.example/x", "https://a"])
def test_other_secrets_do_not_count(url: str) -> None:
    credentials = RepositoryCredentials()
    credentials.replace(SECRETS)
    assert credentials(url) is None


def test_a_key_signs_in_over_ssh() -> None:
    credentials = RepositoryCredentials()
    credentials.replace(SECRETS)
    found = credentials("ssh://git@git.example/team/keys")
    assert found is not None
    assert found.ssh_private_key == "KEY"
    assert found.insecure
    assert "KEY" not in repr(found)


def test_replacing_forgets_what_was_known() -> None:
    credentials = RepositoryCredentials()
    credentials.replace(SECRETS)
    credentials.replace([])
    assert credentials("https://git.example/team/shop") is None
