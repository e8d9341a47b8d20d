"""Credentials of repositories come from the labelled Secrets, and follow their changes."""

import base64
from pathlib import Path

import pytest

from holdfast.assembly.repository_logins import RepositoryLogins
from holdfast.cluster.connection import Connection
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import SystemWrite
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from holdfast.sources.trust import Trust
from tests.support.waiting import until

pytest_plugins = ("tests.support.kube_fixtures",)

URL = "https://git.example/team/private"
SECRET = GroupVersionKind("", "v1", "Secret")


def repository(namespace: str, password: str, *, labelled: bool = True) -> Manifest:
    labels = {"argocd.argoproj.io/secret-type": "repository"} if labelled else {}
    values = {"url": URL, "username": "ada", "password": password}
    return Manifest(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "private", "namespace": namespace, "labels": labels},
            "data": {key: base64.b64encode(text.encode()).decode() for key, text in values.items()},
        }
    )


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(str(tmp_path))


async def test_a_repository_secret_signs_in_as_soon_as_it_is_there(
    plane: Connection, namespace: str, trust: Trust
) -> None:
    async with Supervisor(SystemClock()) as supervisor:
        logins = RepositoryLogins(plane, namespace, trust)
        await logins.start(supervisor)
        assert logins.credentials(URL) is None
        await plane.system.create(repository(namespace, "first"), SystemWrite.INSTALLATION_KEY)
        await until(lambda: logins.credentials(URL) is not None)
        found = logins.credentials(URL)
        assert found is not None
        assert "first" in found.secrets


async def test_other_secrets_are_never_read_for_it(
    plane: Connection, namespace: str, trust: Trust
) -> None:
    await plane.system.create(
        repository(namespace, "other", labelled=False), SystemWrite.INSTALLATION_KEY
    )
    async with Supervisor(SystemClock()) as supervisor:
        logins = RepositoryLogins(plane, namespace, trust)
        await logins.start(supervisor)
        assert logins.credentials(URL) is None


async def test_host_keys_count_as_soon_as_their_config_map_is_there(
    plane: Connection, namespace: str, trust: Trust, tmp_path: Path
) -> None:
    known = tmp_path / ".ssh" / "known_hosts"
    line = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA=="
    given = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-ssh-known-hosts-cm", "namespace": namespace},
        "data": {"ssh_known_hosts": f"# ours\n{line}\n"},
    }
    async with Supervisor(SystemClock()) as supervisor:
        logins = RepositoryLogins(plane, namespace, trust)
        await logins.start(supervisor)
        assert known.read_text() == ""
        await plane.system.create(Manifest(given), SystemWrite.INSTALLATION_KEY)
        await until(lambda: known.read_text() == f"{line}\n")
