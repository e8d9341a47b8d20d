"""The ports `Sources` and `Commits`, on a real ssh server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pygit2
import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import CommitOrder, Source
from holdfast.kit.clock import SystemClock
from holdfast.sources.commits import GitCommits
from holdfast.sources.git import GitSources
from holdfast.sources.git_credentials import GitCredentials
from holdfast.sources.trust import Trust
from tests.support.gitrepo import GitRepo
from tests.support.ssh_server import SshGitServer


@pytest.fixture(params=["ssh-ed25519", "ecdsa-sha2-nistp256"])
def kind(request: pytest.FixtureRequest) -> str:
    """What the user's key is."""
    return str(request.param)


@pytest.fixture
async def server() -> AsyncIterator[SshGitServer]:
    async with SshGitServer().serve() as made:
        yield made


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(str(tmp_path / "trust"))


@pytest.fixture
def sign_in() -> dict[str, GitCredentials]:
    return {}


@pytest.fixture
async def sources(tmp_path: Path, sign_in: dict[str, GitCredentials]) -> AsyncIterator[GitSources]:
    made = GitSources(str(tmp_path / "cache"), [], SystemClock(), lambda _: sign_in.get(""))
    yield made
    await made.close()


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "shop.git", bare=True)


def source(server: SshGitServer, repo: GitRepo) -> Source:
    return Source.parse({"repoURL": server.url(repo.path), "path": "."})


async def test_a_commit_is_resolved_fetched_and_laid_out(
    kind: str, sources: GitSources, trust: Trust, repo: GitRepo, sign_in: dict[str, GitCredentials]
) -> None:
    old = repo.commit({"app/a.yaml": "a: 1"})
    new = repo.commit({"app/a.yaml": "a: 2"})
    async with SshGitServer(kind).serve() as server:
        sign_in[""] = GitCredentials(username="x", ssh_private_key=server.private_key.strip())
        await trust.replace(f"# a comment\n@cert-authority * nothing\n{server.known_hosts}\n")
        here = source(server, repo)
        assert await sources.resolve(here, "main") == new
        for sha, text in ((new, "a: 2"), (old, "a: 1")):
            checkout = await sources.checkout(here, sha)
            assert (Path(checkout.root) / "app/a.yaml").read_text() == text
        assert set(server.users) == {"git"}


@pytest.mark.parametrize("known", ["none", "another", "revoked"])
async def test_a_host_key_that_is_not_known_is_refused(
    known: str,
    sources: GitSources,
    server: SshGitServer,
    trust: Trust,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
) -> None:
    repo.commit({"a.yaml": "a: 1"})
    sign_in[""] = GitCredentials(ssh_private_key=server.private_key)
    other = SshGitServer()
    other.port = server.port
    lines = {
        "none": "",
        "another": other.known_hosts,
        "revoked": f"{server.known_hosts}\n@revoked {server.known_hosts}",
    }
    await trust.replace(lines[known])
    with pytest.raises(HoldfastError, match=r"the host key of 127\.0\.0\.1 is not") as caught:
        await sources.resolve(source(server, repo), "main")
    assert caught.value.code == "HF1001"
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in caught.value.hint
    assert "argocd-ssh-known-hosts-cm" in caught.value.hint
    assert server.users == [], "nobody signed in"


async def test_a_repository_that_is_insecure_takes_any_host_key(
    sources: GitSources,
    server: SshGitServer,
    trust: Trust,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
) -> None:
    sha = repo.commit({"a.yaml": "a: 1"})
    await trust.replace()
    sign_in[""] = GitCredentials(ssh_private_key=server.private_key, insecure=True)
    assert await sources.resolve(source(server, repo), "main") == sha


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "has no sshPrivateKey"),
        (SshGitServer().private_key, "refused the key"),
        (SshGitServer("ssh-rsa").private_key, "RSA keys are not supported"),
        ("-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----", "is no private key"),
        (SshGitServer().locked_key("a passphrase"), "is locked with a passphrase"),
    ],
    ids=["none", "another", "RSA", "broken", "locked"],
)
async def test_a_refused_sign_in_is_named(
    key: str,
    says: str,
    sources: GitSources,
    server: SshGitServer,
    trust: Trust,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
) -> None:
    repo.commit({"a.yaml": "a: 1"})
    await trust.replace(server.known_hosts)
    sign_in[""] = GitCredentials(ssh_private_key=key)
    with pytest.raises(HoldfastError, match="cannot be read") as caught:
        await sources.resolve(source(server, repo), "main")
    assert says in caught.value.message
    assert "PRIVATE KEY" not in caught.value.describe()


async def test_a_missing_repository_is_named(
    sources: GitSources,
    server: SshGitServer,
    trust: Trust,
    tmp_path: Path,
    sign_in: dict[str, GitCredentials],
) -> None:
    await trust.replace(server.known_hosts)
    sign_in[""] = GitCredentials(ssh_private_key=server.private_key)
    here = Source.parse({"repoURL": server.url(tmp_path / "nothing.git"), "path": "."})
    with pytest.raises(HoldfastError, match=r"nothing\.git cannot be read") as caught:
        await sources.resolve(here, "main")
    assert caught.value.code == "HF1001"


async def test_a_branch_is_pushed(
    server: SshGitServer,
    trust: Trust,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
    tmp_path: Path,
) -> None:
    """What `app adopt --branch NAME --push` does with a remote repository."""
    base = repo.commit({"a.yaml": "a: 1"})
    await trust.replace(server.known_hosts)
    sign_in[""] = GitCredentials(ssh_private_key=server.private_key)
    commits = GitCommits(str(tmp_path / "cache"), SystemClock(), lambda _: sign_in[""])
    order = CommitOrder({"a.yaml": "a: 2"}, "by hand", "Ada <ada@example.org>", "inc", push=True)
    done = await commits.commit(source(server, repo), base, order)
    tip = repo.repository.references["refs/heads/inc"].peel(pygit2.Commit)
    assert str(tip.id) == done.sha
    assert tip.tree["a.yaml"].data == b"a: 2"  # type: ignore[union-attr]
