"""What a revision means, in the order of docs/internals/argocd/controller.md §3.9."""

import pytest

from holdfast.domain.errors import RepositoryError
from holdfast.sources.constraints import Version, find_constraint, find_version
from holdfast.sources.revisions import Resolution, resolve

A, B, C, D, E = ("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 40)
REFS = {
    "HEAD": "ref: refs/heads/main",
    "refs/heads/main": A,
    "refs/heads/feature/x": B,
    "refs/heads/v1.0.0": E,
    "refs/tags/v1.0.0": B,
    "refs/tags/v1.4.2": C,
    "refs/tags/v2.0.0-rc.1": D,
    "refs/tags/app-1.1.0": D,
    "refs/tags/app-1.2.0": E,
    "refs/pull/7/head": D,
}


@pytest.mark.parametrize(
    ("revision", "sha"),
    [
        pytest.param("", A, id="nothing is HEAD"),
        pytest.param("HEAD", A, id="HEAD is followed"),
        pytest.param("main", A, id="a branch"),
        pytest.param("feature/x", B, id="a branch with a slash"),
        pytest.param("refs/heads/main", A, id="a full name"),
        pytest.param("heads/main", A, id="half a name"),
        pytest.param("refs/pull/7/head", D, id="any reference"),
        pytest.param("v1.0.0", B, id="a tag comes before a branch of the same name"),
        pytest.param("f" * 40, "f" * 40, id="a full SHA is taken as it is"),
        pytest.param("ABCDEF12", "abcdef12", id="seven or more digits are a short SHA"),
        pytest.param("1.*", C, id="the highest tag that satisfies a constraint"),
        pytest.param("^1.0.0", C, id="caret"),
        pytest.param("~1.0", B, id="tilde"),
        pytest.param(">=1.0 <1.4", B, id="a range"),
        pytest.param("*", C, id="everything but pre-releases"),
        pytest.param(">=2.0.0-0", D, id="pre-releases when the constraint names one"),
    ],
)
def test_a_revision_means(revision: str, sha: str) -> None:
    assert resolve(REFS, revision).sha == sha


def test_only_tags_with_the_prefix_count_when_there_is_one() -> None:
    assert resolve(REFS, "1.*", "app-") == Resolution(E, "refs/tags/app-1.2.0")
    assert resolve(REFS, "1.1.0", "app-").sha == D


@pytest.mark.parametrize(
    "revision",
    [
        pytest.param("nope", id="no such name"),
        pytest.param(">=9", id="no tag satisfies the constraint"),
        pytest.param("abc12", id="too short for a SHA"),
        pytest.param("--upload-pack=x", id="an option"),
        pytest.param("a b", id="a space"),
        pytest.param("main\n", id="trailing newline is trimmed, but unknown after it"),
    ],
)
def test_a_revision_that_means_nothing_is_named(revision: str) -> None:
    refs = {name: sha for name, sha in REFS.items() if name != "refs/heads/main"}
    with pytest.raises(RepositoryError, match="unable to resolve '") as caught:
        resolve(refs, revision)
    assert "to a commit SHA: " in caught.value.message
    assert caught.value.code == "HF1002"


def test_a_symbolic_reference_to_itself_ends() -> None:
    with pytest.raises(RepositoryError):
        resolve({"HEAD": "ref: HEAD"}, "HEAD")


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        ("1.2.x", ["1.2.0", "1.2.7"], ["1.3.0"]),
        ("1.2", ["1.2.0", "1.2.7"], ["1.3.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        (">1.2.0", ["1.2.1"], ["1.2.0"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        ("1.2 - 1.4", ["1.2.0", "1.4.9"], ["1.5.0"]),
        ("<1.0 || >=2.0", ["0.9.0", "2.0.0"], ["1.5.0"]),
        (">=1.0, <2.0", ["1.5.0"], ["2.0.0"]),
        ("*", ["0.0.1"], ["1.0.0-rc.1"]),
    ],
)
def test_a_constraint_admits_the_versions_that_masterminds_admits(
    constraint: str, inside: list[str], outside: list[str]
) -> None:
    test = find_constraint(constraint)
    assert test is not None
    for text in inside:
        assert test(find_version(text) or Version(0, 0, 0)), text
    for text in outside:
        assert not test(find_version(text) or Version(0, 0, 0)), text


def test_pre_releases_come_before_their_release_and_count_as_numbers() -> None:
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1"]
    versions = [find_version(text) for text in texts]
    assert sorted(versions, key=lambda v: v or Version(0, 0, 0)) == versions


@pytest.mark.parametrize("text", ["main", "release", "x-y", "1.2.3.4", "a*b"])
def test_names_are_no_constraints(text: str) -> None:
    assert find_constraint(text) is None
