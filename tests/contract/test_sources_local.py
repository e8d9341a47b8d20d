"""The port `Sources`, on local repositories."""

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import Source
from holdfast.kit.clock import SystemClock
from holdfast.sources.git import GitSources
from holdfast.sources.limits import SourceLimits, TreeLimits
from tests.support.gitrepo import GitRepo
from tests.support.waiting import until


def source(repo: GitRepo | str, path: str = ".") -> Source:
    url = repo if isinstance(repo, str) else repo.url
    return Source.parse({"repoURL": url, "path": path})


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repos" / "shop")


@pytest.fixture
async def sources(tmp_path: Path) -> AsyncIterator[GitSources]:
    limits = SourceLimits(tree=TreeLimits(total_bytes=1000, files=20))
    made = GitSources(
        str(tmp_path / "cache"), [str(tmp_path / "repos")], SystemClock(), limits=limits
    )
    yield made
    await made.close()


async def test_branches_tags_and_shas_resolve(sources: GitSources, repo: GitRepo) -> None:
    first = repo.commit({"a.yaml": "a: 1"})
    repo.tag("v1.0.0", first, annotated=True)
    second = repo.commit({"a.yaml": "a: 2"})
    here = source(repo)
    assert await sources.resolve(here, "") == second
    assert await sources.resolve(here, "main") == second
    assert await sources.resolve(here, "v1.0.0") == first
    assert await sources.resolve(here, "1.x") == first
    assert await sources.resolve(here, first) == first
    assert await sources.resolve(here, first[:7]) == first


async def test_a_new_commit_is_resolved_at_once(sources: GitSources, repo: GitRepo) -> None:
    repo.commit({"a.yaml": "a: 1"})
    await sources.resolve(source(repo), "main")
    new = repo.commit({"a.yaml": "a: 2"})
    assert await sources.resolve(source(repo), "main") == new


async def test_a_plain_path_is_a_repository_too(sources: GitSources, repo: GitRepo) -> None:
    sha = repo.commit({"a.yaml": "a: 1"})
    assert await sources.resolve(source(str(repo.path)), "HEAD") == sha


async def test_a_checkout_holds_the_files_of_that_commit_read_only(
    sources: GitSources, repo: GitRepo
) -> None:
    old = repo.commit(
        {"app/a.yaml": "a: 1", "b.yaml": "b: 1"}, links={"app/link.yaml": "../b.yaml"}
    )
    repo.commit({"app/a.yaml": "a: 2"})
    checkout = await sources.checkout(source(repo), old)
    root = Path(checkout.root)
    assert checkout.revision == old
    assert (root / "app/a.yaml").read_text() == "a: 1"
    assert (root / "app/link.yaml").read_text() == "b: 1"
    assert stat.S_IMODE(os.stat(root / "b.yaml").st_mode) == 0o444
    again = await sources.checkout(source(repo), old)
    assert again.root == checkout.root


async def test_the_commit_says_who_when_and_what(sources: GitSources, repo: GitRepo) -> None:
    sha = repo.commit({"a.yaml": "a: 1"}, "Ship it\n\nBecause.")
    repo.tag("v2", sha)
    info = await sources.commit_info(source(repo), sha)
    assert info.revision == sha
    assert info.author == "Ada Example <ada@example.org>"
    assert info.date == "2026-01-01T10:00:00Z"
    assert info.message == "Ship it\n\nBecause."
    assert info.tags == ("v2",)


async def test_many_checkouts_of_one_commit_at_once_are_one(
    sources: GitSources, repo: GitRepo
) -> None:
    sha = repo.commit({f"{n}.yaml": f"a: {n}" for n in range(10)})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sources.checkout(source(repo), sha)) for _ in range(8)]
    assert len({task.result().root for task in tasks}) == 1


async def test_checkouts_that_nobody_asks_for_are_dropped(repo: GitRepo, tmp_path: Path) -> None:
    limits = SourceLimits(keep_s=3600, keep_trees=1, sweep_s=0)
    clock = MovableClock()
    sources = GitSources(str(tmp_path / "cache"), [str(tmp_path)], clock, limits=limits)
    try:
        shas = [repo.commit({"a.yaml": f"a: {n}"}) for n in range(3)]
        roots = []
        for sha in shas:
            roots.append(Path((await sources.checkout(source(repo), sha)).root))
            clock.moment += timedelta(minutes=45)
        assert [root.exists() for root in roots] == [False, True, True]
        again = await sources.checkout(source(repo), shas[0])
        assert (Path(again.root) / "a.yaml").read_text() == "a: 0"
    finally:
        await sources.close()


class MovableClock(SystemClock):
    """The real clock with a date that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("/etc/passwd", id="an absolute link"),
        pytest.param("../../../../../../etc/passwd", id="a link up and out"),
        pytest.param("..", id="a link to the folder above"),
    ],
)
async def test_a_commit_with_a_link_that_leaves_it_is_refused(
    sources: GitSources, repo: GitRepo, link: str
) -> None:
    sha = repo.commit({"a.yaml": "a: 1"}, links={"evil.yaml": link})
    with pytest.raises(HoldfastError, match=r"evil.yaml: the symbolic link leaves") as caught:
        await sources.checkout(source(repo), sha)
    assert caught.value.code == "HF1006"


async def test_two_links_that_leave_together_are_refused(
    sources: GitSources, repo: GitRepo
) -> None:
    sha = repo.commit(
        {"a/b/c.yaml": "a: 1"}, links={"deep": "a/b", "a/b/up": "../..", "out": "deep/up/.."}
    )
    with pytest.raises(HoldfastError) as caught:
        await sources.checkout(source(repo), sha)
    assert caught.value.code == "HF1006"


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"big.bin": "x" * 2000}, id="bytes"),
        pytest.param({f"{n}": "x" for n in range(30)}, id="files"),
    ],
)
async def test_a_repository_that_is_too_large_is_refused(
    sources: GitSources, repo: GitRepo, files: dict[str, str | bytes | None], tmp_path: Path
) -> None:
    sha = repo.commit(files)
    with pytest.raises(HoldfastError, match="too large") as caught:
        await sources.checkout(source(repo), sha)
    assert caught.value.code == "HF1007"
    left = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert left == []


async def test_a_path_in_a_submodule_is_not_built(sources: GitSources, repo: GitRepo) -> None:
    sha = repo.commit({"a.yaml": "a: 1"}, submodules={"vendor/lib": "1" * 40})
    assert (await sources.checkout(source(repo, "."), sha)).revision == sha
    with pytest.raises(HoldfastError, match="submodule vendor/lib") as caught:
        await sources.checkout(source(repo, "vendor/lib/deploy"), sha)
    assert caught.value.code == "HF3008"


async def test_a_local_repository_outside_the_allowed_folders_is_refused(
    sources: GitSources, tmp_path: Path
) -> None:
    hidden = GitRepo(tmp_path / "private")
    sha = hidden.commit({"a.yaml": "a: 1"})
    (tmp_path / "repos").mkdir(exist_ok=True)
    (tmp_path / "repos" / "door").symlink_to(tmp_path / "private")
    for url in (hidden.url, f"{tmp_path}/repos/../private", f"{tmp_path}/repos/door"):
        for work in (
            sources.resolve(source(url), "main"),
            sources.checkout(source(url), sha),
            sources.commit_info(source(url), sha),
        ):
            with pytest.raises(HoldfastError, match="--allow-local-repos") as caught:
                await work
            assert caught.value.code == "HF1009"


async def test_an_unreadable_repository_is_named(sources: GitSources, tmp_path: Path) -> None:
    with pytest.raises(HoldfastError, match=r"gone cannot be read") as caught:
        await sources.resolve(source(f"file://{tmp_path}/repos/gone"), "main")
    assert caught.value.code == "HF1001"


async def test_an_unknown_revision_is_named(sources: GitSources, repo: GitRepo) -> None:
    repo.commit({"a.yaml": "a: 1"})
    for revision in ("nope", "1234567", "9" * 40, "-x"):
        with pytest.raises(HoldfastError, match=f"unable to resolve '{revision}' to a commit SHA"):
            await sources.resolve(source(repo), revision)


async def test_other_protocols_are_refused(sources: GitSources) -> None:
    for url in ("ext::sh -c id", "git://127.0.0.1/x", "--upload-pack=touch", "nonsense"):
        with pytest.raises(HoldfastError) as caught:
            await sources.resolve(source(url), "main")
        assert caught.value.code == "HF1001"


@pytest.mark.parametrize("bare", [False, True], ids=["with a work tree", "bare"])
async def test_a_new_commit_in_a_local_repository_is_seen_within_a_second(
    sources: GitSources, tmp_path: Path, *, bare: bool
) -> None:
    repo = GitRepo(tmp_path / "repos" / f"watched-{bare}", bare=bare)
    repo.commit({"a.yaml": "a: 1"})
    seen = asyncio.Event()
    sources.watch_local(repo.url, seen.set)
    sources.watch_local("https://127.0.0.1:1/x.git", seen.set)
    await _until_watched(sources)
    for branch in ("main", "team/new"):
        seen.clear()
        repo.commit({"a.yaml": f"a: {branch}"}, branch=branch)
        async with asyncio.timeout(1):
            await seen.wait()
        await _until_told(sources)


async def test_a_repository_that_comes_later_or_comes_back_is_seen_too(
    sources: GitSources, tmp_path: Path
) -> None:
    path = tmp_path / "repos" / "later"
    seen = asyncio.Event()
    sources.watch_local(f"file://{path}", seen.set)
    for _ in range(2):
        repo = GitRepo(path)
        repo.commit({"a.yaml": "a: 1"})
        async with asyncio.timeout(2):
            await seen.wait()
        await _until_watched(sources)
        await _until_told(sources)
        seen.clear()
        repo.commit({"a.yaml": "a: 2"})
        async with asyncio.timeout(1):
            await seen.wait()
        seen.clear()
        shutil.rmtree(path)
        async with asyncio.timeout(1):
            await seen.wait()
        await _until_told(sources)
        seen.clear()


async def _until_watched(sources: GitSources) -> None:
    # A commit made before the watch stands is found by the first comparison, not by the watch.
    await until(lambda: len(sources._local_watch._folders) > 2)


async def _until_told(sources: GitSources) -> None:
    """Waits until nothing that was seen so far is still to be told."""
    await until(lambda: not sources._local_watch._pending)
