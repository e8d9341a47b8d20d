"""Log lines are one event and its fields, without credentials."""

import io
import json
import logging

import pytest

from holdfast.kit import logs


@pytest.fixture
def record() -> logging.LogRecord:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", ("round finished",), None)
    record.created = 1767261600.5
    record.holdfast_fields = {"app": "shop", "why": "a b", "url": "https://u:p@h/", "s": 0.25}
    return record


def test_text_lines_are_key_value_pairs(record: logging.LogRecord) -> None:
    assert logs.TextFormatter().format(record) == (
        "2026-01-01T10:00:00.500Z info    round finished app=shop"
        ' why="a b" url=https://***@h/ s=0.25'
    )


def test_json_lines_hold_the_same_fields(record: logging.LogRecord) -> None:
    assert json.loads(logs.JsonFormatter().format(record)) == {
        "time": "2026-01-01T10:00:00.500Z",
        "level": "info",
        "logger": "x",
        "event": "round finished",
        "app": "shop",
        "why": "a b",
        "url": "https://***@h/",
        "s": 0.25,
    }


def test_fields_given_to_note_reach_the_line() -> None:
    stream = io.StringIO()
    log = logging.getLogger("holdfast.test_logs")
    log.propagate = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.TextFormatter())
    log.addHandler(handler)
    logs.note(log, logging.WARNING, "watch cut", kind="apps/Deployment")
    log.removeHandler(handler)
    assert stream.getvalue().endswith("watch cut kind=apps/Deployment\n")
