"""Splitting watch bodies into lines."""

from __future__ import annotations

import pytest

from holdfast.cluster.lines import LineSplitter, LineTooLongError


def test_a_chunk_that_is_one_line_is_handed_on_without_a_copy() -> None:
    chunk = b'{"type":"ADDED"}\n'
    (line,) = LineSplitter().feed(chunk)
    assert isinstance(line, memoryview)
    assert line.obj is chunk


def test_a_line_may_have_sixteen_megabytes() -> None:
    splitter = LineSplitter()
    for _ in range(15):
        assert not splitter.feed(b"x" * 1024 * 1024)
    (line,) = splitter.feed(b"\n")
    assert len(line) == 15 * 1024 * 1024


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"x" * 11], id="pending"),
        pytest.param([b"x" * 6, b"x" * 5 + b"\n"], id="completed"),
        pytest.param([b"a\n" + b"x" * 11 + b"\nb\n"], id="within one chunk"),
        pytest.param([b"x" * 11 + b"\n"], id="alone in one chunk"),
    ],
)
def test_a_line_that_is_too_long_is_an_error(chunks: list[bytes]) -> None:
    splitter = LineSplitter(limit=10)
    *harmless, last = chunks
    for chunk in harmless:
        splitter.feed(chunk)
    with pytest.raises(LineTooLongError, match="at most 10"):
        splitter.feed(last)
