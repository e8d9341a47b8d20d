"""Whose name stands in a commit that was asked for through the server."""

import pytest

from holdfast.api.authoring import Authorship, authorship
from holdfast.api.caller import TRUSTED, Caller


@pytest.mark.parametrize(
    ("caller", "given", "expected"),
    [
        pytest.param(
            Caller("u-1", "ada@example.org", issuer="https://id.example"),
            "",
            Authorship("ada <ada@example.org>"),
            id="signed in elsewhere",
        ),
        pytest.param(
            Caller("bo", "bo"), "", Authorship("bo <bo@holdfast.invalid>"), id="an account"
        ),
        pytest.param(
            Caller("bo", "Bo <x> B\n"),
            "",
            Authorship("Bo x B <Bo-x-B@holdfast.invalid>"),
            id="a name with signs that end it",
        ),
        pytest.param(
            Caller("admin", "admin"),
            "",
            Authorship("", "admin <admin@holdfast.invalid>"),
            id="the built-in admin is whoever git knows",
        ),
        pytest.param(
            TRUSTED, "", Authorship("", "admin <admin@holdfast.invalid>"), id="nobody signs in"
        ),
        pytest.param(
            Caller("bo", "bo"), "Cy <cy@example.org>", Authorship("Cy <cy@example.org>"), id="said"
        ),
    ],
)
def test_the_author_is_the_person_who_asked(
    caller: Caller, given: str, expected: Authorship
) -> None:
    assert authorship(caller, given) == expected
