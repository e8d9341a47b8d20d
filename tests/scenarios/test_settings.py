"""Repositories and clusters by the command line, through a server, until an Application syncs."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.certificates import write_certificates
from tests.support.gitrepo import GitRepo
from tests.support.https_git import PASSWORD, TOKEN, USER, serving_git
from tests.support.person import Ref
from tests.support.site import AUTOMATED, config_map
from tests.support.terminal import signed_in as signed_in
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.https_git import GitServer
    from tests.support.site import Site, SiteApp
    from tests.support.terminal import Terminal

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitServer]:
    """A git server that wants a password, and whose certificate nobody knows."""
    folder = tmp_path / "git"
    folder.mkdir()
    write_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with serving_git(folder, context) as server:
        yield server


async def a_push_is_told(terminal: Terminal, app: SiteApp, repository: GitRepo, url: str) -> None:
    """Git is looked at each two minutes; who is told of a push looks at once, and no one else."""
    site, before = app.site, app.sha
    beside = await site.make(
        "beside", {}, policy=AUTOMATED, source={"repoURL": url, "path": "other"}
    )
    only_its_own = {"argocd.argoproj.io/manifest-generate-paths": "."}
    await beside.patch({"metadata": {"annotations": only_its_own}})
    beside.sha = before
    await beside.synced()
    secret = {"webhook.github.secret": "a-secret-of-both"}
    await site.person.patch(
        Ref("v1", "Secret", site.control, "argocd-secret"), {"stringData": secret}
    )
    app.sha = repository.commit({"app/web.yaml": config_map("web", a="pushed")})
    body = json.dumps({
        "ref": "refs/heads/main", "commits": [{"modified": ["app/web.yaml"]}],
        "repository": {"clone_url": url, "default_branch": "main"},
    }).encode()  # fmt: skip
    address = f"http://{terminal.address}/api/webhook"

    async with aiohttp.ClientSession() as session:

        async def told(key: str) -> int:
            signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
            headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": f"sha256={signature}"}
            async with session.post(address, data=body, headers=headers) as answer:
                return answer.status

        async def is_refused() -> bool:
            return await told("another") == 400

        await eventually(is_refused)  # once the secret is known
        assert (await app.status())["sync"]["revision"] == before
        assert await told("a-secret-of-both") == 200
    await app.synced()
    assert (await site.person.get(app.place("web")))["data"] == {"a": "pushed"}
    assert (await beside.status())["sync"]["revision"] == before


async def test_a_private_repository_is_added_and_an_application_syncs_from_it(
    signed_in: tuple[Terminal, Site], git: GitServer
) -> None:
    terminal, site = signed_in
    repository = GitRepo(git.folder / "shop.git", bare=True)
    repository.commit({"other/b.yaml": config_map("beside", b="1")})
    sha = repository.commit({"app/web.yaml": config_map("web", a="private")})
    base = f"https://127.0.0.1:{git.server_address[1]}"
    url = f"{base}/shop.git"
    trusting = ("--insecure-skip-server-verification", "--username", USER)

    refused = terminal.run("repo", "add", url, *trusting, "--password", "wrong-secret-word")
    assert refused.code == 20
    assert "HF1001" in refused.err
    assert "wrong-secret-word" not in refused.err
    assert terminal.ok("repo", "list", "-o", "json") == "[]\n"

    said = terminal.ok("repo", "add", url, *trusting, "--password", PASSWORD)
    assert said == f"Repository '{url}' added\n"
    assert "Successful" in terminal.ok("repo", "list")
    through = terminal.ok("repo", "get", url, "-o", "json")
    straight = terminal.straight("repo", "get", url, "-o", "json")
    assert through == straight.out
    assert PASSWORD not in through

    app = await site.make(
        "private", {"web.yaml": config_map("web")}, policy=AUTOMATED, source={"repoURL": url}
    )
    app.sha = sha
    await app.synced()
    live = await site.person.get(app.place("web"))
    assert live["data"] == {"a": "private"}
    assert PASSWORD not in site.process.text

    await a_push_is_told(terminal, app, repository, url)

    creds = terminal.straight("repocreds", "add", base, "--bearer-token", TOKEN)
    assert creds.out == f"Repository credentials for '{base}' added\n", creds.err
    assert TOKEN not in terminal.ok("repocreds", "list", "-o", "json")
    for words in (("repocreds", "list"), ("cluster", "list"), ("repo", "list", "-o", "url"),
                  ("cluster", "get", "in-cluster", "-o", "json")):  # fmt: skip
        assert terminal.ok(*words) == terminal.straight(*words).out
    assert "in-cluster" in terminal.ok("cluster", "list")
    removed = terminal.ok("repocreds", "rm", base)
    assert removed == f"Repository credentials for '{base}' removed\n"
    assert terminal.ok("repo", "rm", url) == f"Repository '{url}' removed\n"
    assert terminal.ok("repo", "list", "-o", "url") == ""
