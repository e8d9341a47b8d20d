"""The page of errors cannot lie, and no code is raised that it lacks."""

from tools import generate_error_docs


def test_the_page_of_errors_is_made_from_the_registry() -> None:
    assert generate_error_docs.PAGE.read_text() == generate_error_docs.render(
        generate_error_docs.registered()
    )


def test_every_code_that_is_raised_is_registered() -> None:
    assert generate_error_docs.used_codes() <= generate_error_docs.registered().keys()


def test_every_registered_code_is_raised_somewhere() -> None:
    assert generate_error_docs.registered().keys() <= generate_error_docs.used_codes()


def test_every_code_says_what_to_do() -> None:
    assert generate_error_docs.ADVICE.keys() == generate_error_docs.registered().keys()
