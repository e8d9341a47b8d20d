"""Two URLs of one repository are equal once they are normalised."""

import pytest

from holdfast.sources.urls import find_local_path, find_scheme, normalise_git_url


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("https://git.example/Org/Repo.git", "https://git.example/org/repo", id="case"),
        pytest.param("https://u:p@git.example/a", "https://git.example/a/", id="credentials"),
        pytest.param("git@git.example:org/repo.git", "ssh://git@git.example/org/repo", id="scp"),
        pytest.param("file:///srv/repo/", "/srv/repo", id="local"),
        pytest.param("/srv/x/../repo.git", "/srv/repo", id="dots"),
    ],
)
def test_urls_that_mean_the_same_repository_are_equal(one: str, other: str) -> None:
    assert normalise_git_url(one) == normalise_git_url(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("https://git.example/a", "https://git.example/b", id="path"),
        pytest.param("https://git.example/a", "http://git.example/a", id="scheme"),
        pytest.param("https://git.example:8443/a", "https://git.example/a", id="port"),
    ],
)
def test_urls_of_different_repositories_stay_different(one: str, other: str) -> None:
    assert normalise_git_url(one) != normalise_git_url(other)


@pytest.mark.parametrize(
    ("url", "scheme", "path"),
    [
        pytest.param("file:///srv/a%20b", "file", "/srv/a b", id="file URL"),
        pytest.param("/srv/a", "file", "/srv/a", id="absolute path"),
        pytest.param("./a", "file", "./a", id="relative path"),
        pytest.param("https://h/a", "https", None, id="https"),
        pytest.param("git@h:a/b", "ssh", None, id="scp form"),
        pytest.param("HTTPS://h/a", "https", None, id="upper case"),
        pytest.param("nonsense", "", None, id="nothing known"),
        pytest.param("javascript:alert(1)", "javascript", None, id="a script"),
        pytest.param("git@javascript:a", "ssh", None, id="a host of that name"),
        pytest.param("gitea:team/a", "ssh", None, id="scp form without a user"),
    ],
)
def test_the_scheme_and_local_path_of_a_url(url: str, scheme: str, path: str | None) -> None:
    assert find_scheme(url) == scheme
    assert find_local_path(url) == path
