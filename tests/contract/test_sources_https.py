"""The port `Sources`, on a git server over https with sign-in (git's own http-backend)."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
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
from tests.support.certificates import write_certificates
from tests.support.gitrepo import GitRepo
from tests.support.https_git import PASSWORD, TOKEN, USER, GitServer, serving_git


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority for each test: what one test trusts stays trusted in this process."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    write_certificates(folder)
    return folder


@pytest.fixture
def server_context(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    return context


@pytest.fixture
def server(tmp_path: Path, server_context: ssl.SSLContext) -> Iterator[GitServer]:
    with serving_git(tmp_path, server_context) as made:
        yield made


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "shop.git", bare=True)


@pytest.fixture
def sign_in() -> dict[str, GitCredentials]:
    """What the sources are told to use; a test may change it."""
    return {"": GitCredentials(username=USER, password=PASSWORD, insecure=True)}


@pytest.fixture
async def sources(tmp_path: Path, sign_in: dict[str, GitCredentials]) -> AsyncIterator[GitSources]:
    made = GitSources(str(tmp_path / "cache"), [], SystemClock(), lambda _: sign_in.get(""))
    yield made
    await made.close()


def source(server: GitServer, name: str = "shop.git") -> Source:
    url = f"https://127.0.0.1:{server.server_address[1]}/{name}"
    return Source.parse({"repoURL": url, "path": "."})


async def test_a_commit_is_resolved_fetched_and_laid_out(
    sources: GitSources, server: GitServer, repo: GitRepo
) -> None:
    old = repo.commit({"app/a.yaml": "a: 1"})
    repo.tag("v1.0.0", old, annotated=True)
    new = repo.commit({"app/a.yaml": "a: 2"})
    here = source(server)
    assert await sources.resolve(here, "") == new
    assert await sources.resolve(here, "v1.0.0") == old
    assert await sources.resolve(here, "1.*") == old
    for sha, text in ((new, "a: 2"), (old, "a: 1")):
        checkout = await sources.checkout(here, sha)
        assert (Path(checkout.root) / "app/a.yaml").read_text() == text
    assert (await sources.commit_info(here, new)).message == "change"
    assert await sources.resolve(here, old[:8]) == old


async def test_only_the_wanted_commit_is_fetched(
    sources: GitSources, server: GitServer, repo: GitRepo, tmp_path: Path
) -> None:
    shas = [repo.commit({"a.yaml": f"a: {n}" * 100}) for n in range(5)]
    assert await sources.resolve(source(server), "main") == shas[-1]
    await sources.checkout(source(server), shas[-1])
    mirrors = list((tmp_path / "cache" / "mirrors").iterdir())
    assert len(mirrors) == 1
    mirror = GitRepoView(mirrors[0])
    assert mirror.has(shas[-1])
    assert not mirror.has(shas[0])


async def test_references_are_asked_for_once_in_a_while_unless_forced(
    sources: GitSources, server: GitServer, repo: GitRepo
) -> None:
    first = repo.commit({"a.yaml": "a: 1"})
    here = source(server)
    assert await sources.resolve(here, "main") == first
    asked = len(server.asked)
    second = repo.commit({"a.yaml": "a: 2"})
    assert await sources.resolve(here, "main") == first
    assert len(server.asked) == asked
    assert await sources.resolve(here, "main", force=True) == second


async def test_a_bearer_token_signs_in(
    sources: GitSources, server: GitServer, repo: GitRepo, sign_in: dict[str, GitCredentials]
) -> None:
    sha = repo.commit({"a.yaml": "a: 1"})
    sign_in[""] = GitCredentials(bearer_token=TOKEN, insecure=True)
    assert await sources.resolve(source(server), "main") == sha


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        pytest.param(GitCredentials(insecure=True), "credentials", id="none"),
        pytest.param(
            GitCredentials(username=USER, password="wrong-secret-word", insecure=True),
            "credentials",
            id="wrong ones",
        ),
        pytest.param(
            GitCredentials(username=USER, password=PASSWORD), "certificate", id="unknown authority"
        ),
    ],
)
async def test_a_refused_sign_in_is_named_without_secrets(
    sources: GitSources,
    server: GitServer,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
    credentials: GitCredentials,
    says: str,
) -> None:
    repo.commit({"a.yaml": "a: 1"})
    sign_in[""] = credentials
    with pytest.raises(HoldfastError, match="cannot be read") as caught:
        await sources.resolve(source(server), "main")
    assert caught.value.code == "HF1001"
    assert says in caught.value.message
    for secret in ("wrong-secret-word", PASSWORD):
        assert secret not in caught.value.describe()
        assert secret not in repr(credentials)


async def test_a_missing_repository_is_named(
    sources: GitSources, server: GitServer, repo: GitRepo
) -> None:
    with pytest.raises(HoldfastError, match=r"nothing\.git cannot be read") as caught:
        await sources.resolve(source(server, "nothing.git"), "main")
    assert caught.value.code == "HF1001"


async def test_a_commit_that_no_branch_holds_is_named(
    sources: GitSources, server: GitServer, repo: GitRepo
) -> None:
    repo.commit({"a.yaml": "a: 1"})
    with pytest.raises(HoldfastError, match="unable to resolve '9999") as caught:
        await sources.checkout(source(server), "9" * 40)
    assert caught.value.code == "HF1002"


class GitRepoView:
    """A repository that is looked into."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, sha: str) -> bool:
        """Whether it has a commit."""
        done = subprocess.run(
            ["git", "-C", str(self._path), "cat-file", "-e", sha], capture_output=True, check=False
        )
        return done.returncode == 0


async def test_a_branch_is_pushed_and_never_forced(
    server: GitServer, repo: GitRepo, sign_in: dict[str, GitCredentials], tmp_path: Path
) -> None:
    """What `app adopt --branch NAME --push` does with a remote repository."""
    repo.commit({"a.yaml": "a: 0"})
    base = repo.commit({"a.yaml": "a: 1", "run.sh": "true"})
    commits = GitCommits(str(tmp_path / "cache"), SystemClock(), lambda _: sign_in[""])
    order = CommitOrder({"a.yaml": "a: 2"}, "by hand", "Ada <ada@example.org>", "inc", push=True)
    done = await commits.commit(source(server), base, order)
    assert done.is_pushed
    assert done.author == "Ada <ada@example.org>"
    tip = repo.repository.references["refs/heads/inc"].peel(pygit2.Commit)
    assert str(tip.id) == done.sha
    assert [str(parent.id) for parent in tip.parents] == [base]
    assert tip.tree["a.yaml"].data == b"a: 2"  # type: ignore[union-attr]
    assert {entry.name for entry in tip.tree} == {"a.yaml", "run.sh"}
    with pytest.raises(HoldfastError, match="exists already") as caught:
        await commits.commit(source(server), base, order)
    assert caught.value.code == "HF3013"
    with pytest.raises(HoldfastError, match="is a remote repository"):
        await commits.commit(source(server), base, replace(order, push=False))


async def test_a_proxy_of_the_secret_is_used(
    sources: GitSources, server: GitServer, repo: GitRepo, sign_in: dict[str, GitCredentials]
) -> None:
    sha = repo.commit({"a.yaml": "a: 1"})
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", server.server_address[1])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pour(reader, onward), pour(onward_reader, writer))

    async def pour(here: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await here.read(65536):
                there.write(chunk)
                await there.drain()
        there.close()

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        through = replace(sign_in[""], proxy=f"http://127.0.0.1:{port}")
        sign_in[""] = through
        assert await sources.resolve(source(server), "main") == sha
        assert asked[0].startswith(f"CONNECT 127.0.0.1:{server.server_address[1]} ".encode())
        asked.clear()
        sign_in[""] = replace(through, no_proxy="127.0.0.0/8")
        assert await sources.resolve(source(server), "main", force=True) == sha
        assert asked == []


async def test_a_way_in_that_is_not_built_is_named(
    sources: GitSources, server: GitServer, repo: GitRepo, sign_in: dict[str, GitCredentials]
) -> None:
    sign_in[""] = GitCredentials(unsupported=("githubAppID",))
    with pytest.raises(HoldfastError, match="its Secret has githubAppID, which is not built"):
        await sources.resolve(source(server), "main")


async def test_a_certificate_that_is_trusted_is_enough(
    sources: GitSources,
    server: GitServer,
    repo: GitRepo,
    sign_in: dict[str, GitCredentials],
    certificates: Path,
) -> None:
    sha = repo.commit({"a.yaml": "a: 1"})
    sign_in[""] = GitCredentials(username=USER, password=PASSWORD)
    authority = (certificates / "ca.crt").read_text()
    await Trust(str(certificates / "trust")).replace("", {"127.0.0.1": authority})
    assert await sources.resolve(source(server), "main") == sha
