"""Credentials of repositories come from the labelled Secrets, and follow their changes."""

import base64

from holdfast.assembly.repository_logins import RepositoryLogins
from holdfast.cluster.connection import Connection
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import SystemWrite
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
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


async def test_a_repository_secret_signs_in_as_soon_as_it_is_there(
    plane: Connection, namespace: str
) -> None:
    async with Supervisor(SystemClock()) as supervisor:
        logins = RepositoryLogins(plane, namespace, supervisor)
        await logins.start()
        assert logins.credentials(URL) is None
        await plane.system.create(repository(namespace, "first"), SystemWrite.INSTALLATION_KEY)
        await until(lambda: logins.credentials(URL) is not None)
        found = logins.credentials(URL)
        assert found is not None
        assert "first" in found.secrets


async def test_other_secrets_are_never_read_for_it(plane: Connection, namespace: str) -> None:
    await plane.system.create(
        repository(namespace, "other", labelled=False), SystemWrite.INSTALLATION_KEY
    )
    async with Supervisor(SystemClock()) as supervisor:
        logins = RepositoryLogins(plane, namespace, supervisor)
        await logins.start()
        assert logins.credentials(URL) is None
