"""Credentials never reach a message."""

import pytest

from holdfast.kit.redact import cut, redact, tidy


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "fatal: https://bob:s3cr3t@git.example/x.git refused",
            "fatal: https://***@git.example/x.git refused",
            id="user and password in a URL",
        ),
        pytest.param(
            "https://ghp_0123456789abcdef@github.com/x",
            "https://***@github.com/x",
            id="a token in a URL",
        ),
        pytest.param("Authorization: Bearer abc.def", "Authorization: Bearer ***", id="a header"),
        pytest.param("password=hunter2 next", "password=*** next", id="a password"),
        pytest.param("token: 'a b'", "token: ***", id="a quoted token"),
        pytest.param("glpat-0123456789abcdefghij", "***", id="a GitLab token"),
        pytest.param("see eyJhbGciOiJI.eyJzdWIi.c2ln!", "see ***!", id="a JWT"),
        pytest.param("x-eyJhbGciOiJI.eyJzdWIi.", "x-***", id="a JWT behind a dash, not signed"),
        pytest.param("a.b.eyJhbGciOiJI.eyJzdWIi.c2ln", "a.b.***", id="a JWT behind dots"),
        pytest.param("eyJhbGciOiJI.one-dot", "eyJhbGciOiJI.one-dot", id="one dot is no JWT"),
        pytest.param("git@github.com:org/repo.git", "git@github.com:org/repo.git", id="scp form"),
    ],
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_a_private_key_is_masked_even_when_it_is_cut_off() -> None:
    assert redact("x -----BEGIN RSA PRIVATE KEY-----\nabc\ndef") == "x ***"


def test_values_known_to_be_secret_are_masked() -> None:
    assert redact("found swordfish here", ("swordfish", "a")) == "found *** here"


def test_long_output_keeps_its_first_and_last_lines() -> None:
    text = "\n".join(str(n) for n in range(100))
    shown = cut(text).splitlines()
    assert shown[:2] == ["0", "1"]
    assert shown[20] == "… 60 lines left out …"
    assert shown[-1] == "99"
    assert len(shown) == 41
    assert tidy("x" * 600 + "why") == "x" * 300 + "…" + "x" * 197 + "why"
