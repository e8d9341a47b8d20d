"""Laws of checkouts: what a commit holds is what lies on disk, and nothing lies outside."""

import os
import tempfile
from pathlib import Path

import pygit2
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.domain.errors import RepositoryError
from holdfast.kit.files import is_inside
from holdfast.sources.constraints import find_constraint, find_version
from holdfast.sources.limits import TreeLimits
from holdfast.sources.trees import files_of, write_tree
from tests.support.gitrepo import GitRepo

names = st.sampled_from(["a", "b", "c.yaml", "deep/x.yaml", "deep/er/y.yaml", "é.yaml"])
targets = st.sampled_from(
    ["a", "b", "..", ".", "deep", "../..", "deep/er/..", "/etc", "../a", "loop", "deep/../../x"]
)


@settings(max_examples=60)
@given(
    st.dictionaries(names, st.binary(max_size=30), min_size=1),
    st.dictionaries(st.sampled_from(["l1", "l2", "deep/l3", "loop"]), targets),
)
def test_a_checkout_is_the_commit_and_never_leaves_its_folder(
    files: dict[str, bytes], links: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = GitRepo(Path(folder, "repo"))
        sha = repo.commit(dict(files), links=links)
        target = os.path.join(folder, "tree")
        try:
            write_tree(pygit2.Repository(str(repo.path)), sha, target, TreeLimits())
        except RepositoryError:
            assert links
            assert not os.path.exists(target)
            return
        root = Path(files_of(target))
        assert {name: (root / name).read_bytes() for name in files} == files
        for name, link in links.items():
            assert os.readlink(root / name) == link
        for path in root.rglob("*"):
            assert is_inside(root, path)


@given(st.text("0123456789.xX*^~<>=!|, -vab", max_size=20), st.text("0123456789.-v", max_size=10))
def test_no_text_breaks_constraints_and_versions(constraint: str, version: str) -> None:
    test, parsed = find_constraint(constraint), find_version(version)
    if test is not None and parsed is not None:
        assert test(parsed) in {True, False}


@given(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
)
def test_comparisons_agree_with_the_order_of_versions(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    low, version = ".".join(map(str, one)), find_version(".".join(map(str, other)))
    assert version is not None
    for operator, expected in ((">=", other >= one), ("<", other < one), ("=", other == one)):
        test = find_constraint(operator + low)
        assert test is not None
        assert test(version) is expected
