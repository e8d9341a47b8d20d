"""The port `Commits` on local repositories: careful with what people are at work on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import CheckoutStrategy, ConfigLevel, FileMode

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import CommitOrder, Source
from holdfast.kit.clock import SystemClock
from holdfast.sources.commits import GitCommits
from tests.support.gitrepo import GitRepo

ORDER = CommitOrder({"app/a.yaml": "a: 2\n"}, "by hand", "Ada Example <ada@example.org>")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with two commits, `main` checked out."""
    made = GitRepo(tmp_path / "shop")
    made.commit({"app/a.yaml": "a: 0\n"})
    made.commit({"app/a.yaml": "a: 1\n", "app/b.yaml": "b: 1\n"}, links={"app/link": "a.yaml"})
    made.repository.checkout("HEAD", strategy=CheckoutStrategy.FORCE)
    return made


@pytest.fixture
def commits(tmp_path: Path) -> GitCommits:
    return GitCommits(str(tmp_path / "cache"), SystemClock())


@pytest.fixture
def unconfigured() -> Iterator[None]:
    """Git without the configuration of a person or a machine."""
    levels = (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM)
    paths = pygit2.settings.search_path
    before = {level: paths[level] for level in levels}
    for level in levels:
        paths[level] = ""
    yield
    for level, path in before.items():
        paths[level] = path


def source(repo: GitRepo, revision: str = "main") -> Source:
    return Source.parse({"repoURL": repo.url, "path": "app", "targetRevision": revision})


def tip(repo: GitRepo, branch: str = "main") -> pygit2.Commit:
    return repo.repository.references[f"refs/heads/{branch}"].peel(pygit2.Commit)


async def test_the_branch_that_is_checked_out_is_committed_with_its_files(
    repo: GitRepo, commits: GitCommits
) -> None:
    base = str(tip(repo).id)
    done = await commits.commit(source(repo), base, ORDER)
    commit = tip(repo)
    assert (str(commit.id), done.branch, done.is_pushed) == (done.sha, "main", False)
    assert [str(parent.id) for parent in commit.parents] == [base]
    assert (commit.author.name, commit.author.email) == ("Ada Example", "ada@example.org")
    assert (commit.committer.name, commit.message) == ("Holdfast", "by hand\n")
    assert (repo.path / "app/a.yaml").read_text() == "a: 2\n"
    assert repo.repository.status() == {}


@pytest.mark.parametrize("staged", [False, True], ids=["in the folder", "staged"])
async def test_what_somebody_is_at_work_on_is_left_alone(
    repo: GitRepo, commits: GitCommits, *, staged: bool
) -> None:
    base = str(tip(repo).id)
    (repo.path / "app/b.yaml").write_text("b: mine\n")
    if staged:
        repo.repository.index.add("app/b.yaml")
        repo.repository.index.write()
    with pytest.raises(HoldfastError, match=r"at work on app/b\.yaml") as caught:
        await commits.commit(source(repo), base, ORDER)
    assert caught.value.code == "HF3013"
    assert "--branch" in caught.value.hint
    assert str(tip(repo).id) == base
    assert (repo.path / "app/b.yaml").read_text() == "b: mine\n"

    await commits.commit(source(repo), base, replace(ORDER, branch="inc"))
    assert tip(repo, "inc").message == "by hand\n"
    assert (repo.path / "app/a.yaml").read_text() == "a: 1\n"


async def test_a_new_file_that_somebody_has_not_added_yet_is_not_overwritten(
    repo: GitRepo, commits: GitCommits
) -> None:
    (repo.path / "app/new.yaml").write_text("mine\n")
    order = replace(ORDER, files={"app/new.yaml": "ours\n"})
    with pytest.raises(HoldfastError, match="at work on"):
        await commits.commit(source(repo), str(tip(repo).id), order)
    assert (repo.path / "app/new.yaml").read_text() == "mine\n"


async def test_a_branch_that_has_moved_stays_as_it_is(repo: GitRepo, commits: GitCommits) -> None:
    base = str(tip(repo).id)
    moved = repo.commit({"app/a.yaml": "a: 9\n"})
    with pytest.raises(HoldfastError, match="is not at"):
        await commits.commit(source(repo), base, ORDER)
    assert str(tip(repo).id) == moved


async def test_a_revision_that_is_no_branch_needs_one(repo: GitRepo, commits: GitCommits) -> None:
    base = str(tip(repo).id)
    repo.tag("v1", base)
    with pytest.raises(HoldfastError, match="is no branch"):
        await commits.commit(source(repo, "v1"), base, ORDER)
    done = await commits.commit(source(repo, "v1"), base, replace(ORDER, branch="inc"))
    assert str(tip(repo, "inc").id) == done.sha


async def test_a_branch_of_a_bare_repository_is_committed_to(
    tmp_path: Path, commits: GitCommits
) -> None:
    bare = GitRepo(tmp_path / "bare.git", bare=True)
    base = bare.commit({"app/a.yaml": "a: 1\n"})
    done = await commits.commit(source(bare, ""), base, ORDER)
    assert (done.branch, str(tip(bare).id)) == ("main", done.sha)


async def test_modes_are_kept_and_links_are_not_written_through(
    repo: GitRepo, commits: GitCommits
) -> None:
    base = str(tip(repo).id)
    with pytest.raises(HoldfastError, match="is a link"):
        await commits.commit(source(repo), base, replace(ORDER, files={"app/link": "a: 2\n"}))
    done = await commits.commit(source(repo), base, ORDER)
    entry = repo.repository[done.sha].peel(pygit2.Tree)["app/link"]
    assert entry.filemode == FileMode.LINK


async def test_an_author_is_a_name_and_a_mail(repo: GitRepo, commits: GitCommits) -> None:
    base = str(tip(repo).id)
    with pytest.raises(HoldfastError, match="is no author"):
        await commits.commit(source(repo), base, replace(ORDER, author="Ada"))
    repo.repository.config["user.name"] = "Bo Example"
    repo.repository.config["user.email"] = "bo@example.org"
    done = await commits.commit(source(repo), base, replace(ORDER, author=""))
    assert done.author == "Bo Example <bo@example.org>"


async def test_who_asked_is_the_author_where_git_knows_nobody(
    repo: GitRepo, commits: GitCommits, unconfigured: None
) -> None:
    del unconfigured
    order = replace(ORDER, author="", otherwise="bo <bo@holdfast.invalid>")
    base = str(tip(repo).id)
    with pytest.raises(HoldfastError, match="does not know who you are"):
        await commits.commit(source(repo), base, replace(order, otherwise=""))
    done = await commits.commit(source(repo), base, order)
    assert done.author == "bo <bo@holdfast.invalid>"


async def test_a_push_needs_an_origin_and_goes_there(
    repo: GitRepo, commits: GitCommits, tmp_path: Path
) -> None:
    base = str(tip(repo).id)
    order = replace(ORDER, branch="inc", push=True)
    with pytest.raises(HoldfastError, match="has no remote origin"):
        await commits.commit(source(repo), base, order)
    origin = GitRepo(tmp_path / "origin.git", bare=True)
    repo.repository.remotes.create("origin", origin.url)
    done = await commits.commit(source(repo), base, replace(order, branch="inc-2"))
    assert str(tip(origin, "inc-2").id) == done.sha
