"""`holdfast notifications test`: what is asked, what is printed, and the two annotations."""

from __future__ import annotations

import pytest

from holdfast.domain.commands import Command, Done, SendTestMessage
from holdfast.domain.errors import ToolError
from holdfast.domain.notifications import format_test_result, parse_test, parse_test_result
from tests.support.command_line import holdfast
from tests.support.fakes import FakeCommands, FakeLink, FakeQueries


def test_what_became_of_it_is_printed() -> None:
    commands = FakeCommands(lambda _: Done("ops was told: HTTP 200"))
    result = holdfast(FakeLink(FakeQueries([]), commands), "notifications", "test", "ops")
    assert (result.code, result.out) == (0, "ops was told: HTTP 200\n")
    assert commands.asked == [SendTestMessage("ops")]


def test_a_target_that_was_not_told_is_an_error() -> None:
    def refuse(_: Command) -> Done:
        raise ToolError("HF4005", "target ops was not told: HTTP 404 Not Found")

    result = holdfast(
        FakeLink(FakeQueries([]), FakeCommands(refuse)), "notifications", "test", "ops"
    )
    assert result.code == 20
    assert "HF4005" in result.err
    assert result.out == ""


def test_an_answer_belongs_to_its_request_alone() -> None:
    text = format_test_result("a1", "HTTP 200 OK", is_sent=True)
    assert parse_test_result(text, "a1") == ("HTTP 200 OK", True)
    assert parse_test_result(text, "b2") is None
    refused = format_test_result("a1", "no answer in time", is_sent=False)
    assert parse_test_result(refused, "a1") == ("no answer in time", False)


@pytest.mark.parametrize("text", [None, "", "a1", "a1 maybe this", 5])
def test_what_is_no_answer_is_none(text: object) -> None:
    assert parse_test_result(text, "a1") is None


def test_a_request_has_a_number_and_a_target() -> None:
    assert parse_test("a1 ops") == ("a1", "ops")
    assert parse_test("ops") == parse_test(None) == ("", "")
