"""The table of refusals. The answers are a real server's, word for word (1.36)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from holdfast.cluster.errors import (
    MESSAGE_CHARS,
    TABLE,
    Answer,
    classify,
    find_row,
    parse_answer,
    unreachable,
)
from holdfast.domain.errors import CODES, Retry


def _status(code: int, message: str, reason: str = "", **details: Any) -> bytes:
    return orjson.dumps(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }
    )


STARTING = (
    "the request has been made before all known HTTP paths have been installed, please try again"
)
CASES: list[tuple[str, int, bytes, str, Retry]] = [
    (
        "webhook denied",
        403,
        _status(403, 'admission webhook "v.example.com" denied the request: no', "Forbidden"),
        "HF2013",
        Retry.BACKOFF,
    ),
    (
        "policy denied",
        422,
        _status(
            422,
            "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied "
            "request: we never want this",
            "Invalid",
        ),
        "HF2013",
        Retry.BACKOFF,
    ),
    (
        "webhook away",
        500,
        _status(500, 'Internal error occurred: failed calling webhook "w": …', "InternalError"),
        "HF2010",
        Retry.BACKOFF,
    ),
    ("not signed in", 401, _status(401, "Unauthorized", "Unauthorized"), "HF2002", Retry.BACKOFF),
    (
        "namespace terminating",
        403,
        _status(
            403,
            'configmaps "a" is forbidden: unable to create new content in namespace x because it '
            "is being terminated",
            "Forbidden",
            causes=[
                {"reason": "NamespaceTerminating", "message": "…", "field": "metadata.namespace"}
            ],
        ),
        "HF2008",
        Retry.ON_PREREQUISITE,
    ),
    (
        "crd terminating",
        403,
        _status(
            403,
            'widgets.example.com "a" is forbidden: create not allowed while custom resource '
            "definition is terminating",
            "Forbidden",
        ),
        "HF2006",
        Retry.ON_PREREQUISITE,
    ),
    (
        "quota",
        403,
        _status(
            403,
            'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, '
            "limited: pods=1",
            "Forbidden",
        ),
        "HF2014",
        Retry.BACKOFF,
    ),
    (
        "role",
        403,
        _status(
            403,
            'configmaps "a" is forbidden: User "u" cannot patch resource "configmaps" in API '
            'group "" in the namespace "x"',
            "Forbidden",
        ),
        "HF2002",
        Retry.BACKOFF,
    ),
    (
        "pod security",
        403,
        _status(
            403,
            'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged',
            "Forbidden",
        ),
        "HF2013",
        Retry.BACKOFF,
    ),
    ("kind gone", 404, b"404 page not found\n", "HF2006", Retry.ON_PREREQUISITE),
    (
        "resource unknown",
        404,
        _status(404, "the server could not find the requested resource", "NotFound"),
        "HF2006",
        Retry.ON_PREREQUISITE,
    ),
    (
        "namespace missing",
        404,
        _status(404, 'namespaces "x" not found', "NotFound", name="x", kind="namespaces"),
        "HF2008",
        Retry.ON_PREREQUISITE,
    ),
    (
        "object missing",
        404,
        _status(404, 'configmaps "a" not found', "NotFound", name="a", kind="configmaps"),
        "HF2003",
        Retry.NEVER,
    ),
    ("verb", 405, _status(405, "not allowed", "MethodNotAllowed"), "HF2005", Retry.NEVER),
    (
        "uid gone",
        409,
        _status(
            409,
            'Operation cannot be fulfilled on configmaps "b": uid mismatch: the provided object '
            "specified uid zzz, and no existing object was found",
            "Conflict",
        ),
        "HF2003",
        Retry.ON_PREREQUISITE,
    ),
    (
        "uid of another",
        422,
        _status(
            422,
            'ConfigMap "a" is invalid: metadata.uid: Invalid value: "zzz": field is immutable',
            "Invalid",
        ),
        "HF2003",
        Retry.ON_PREREQUISITE,
    ),
    (
        "exists",
        409,
        _status(409, 'configmaps "a" already exists', "AlreadyExists"),
        "HF2011",
        Retry.NOW,
    ),
    (
        "exists, terminating",
        409,
        _status(409, 'object is being deleted: configmaps "a" already exists', "AlreadyExists"),
        "HF2011",
        Retry.ON_PREREQUISITE,
    ),
    (
        "field of another manager",
        409,
        _status(
            409,
            'Apply failed with 1 conflict: conflict with "x" using v1: .data.x',
            "Conflict",
            causes=[{"reason": "FieldManagerConflict", "message": "…", "field": ".data.x"}],
        ),
        "HF2004",
        Retry.NEVER,
    ),
    (
        "stale",
        409,
        _status(
            409, "Operation cannot be fulfilled on …: the object has been modified", "Conflict"
        ),
        "HF2004",
        Retry.NOW,
    ),
    ("version too old", 410, _status(410, "too old", "Expired"), "HF2015", Retry.NOW),
    ("too large", 413, b"", "HF2005", Retry.NEVER),
    (
        "json patch",
        422,
        _status(422, "the server rejected our request due to an error in our request", "Invalid"),
        "HF2004",
        Retry.NOW,
    ),
    (
        "immutable",
        422,
        _status(
            422,
            'Deployment.apps "d" is invalid: spec.selector: Invalid value: …: field is immutable',
            "Invalid",
        ),
        "HF2007",
        Retry.NEVER,
    ),
    (
        "role reference",
        422,
        _status(
            422,
            'RoleBinding.rbac.authorization.k8s.io "b" is invalid: roleRef: Invalid value: …: '
            "cannot change roleRef",
            "Invalid",
        ),
        "HF2007",
        Retry.NEVER,
    ),
    (
        "stateful set",
        422,
        _status(
            422,
            'StatefulSet.apps "s" is invalid: spec: Forbidden: updates to statefulset spec for '
            "fields other than 'replicas' … are forbidden",
            "Invalid",
        ),
        "HF2007",
        Retry.NEVER,
    ),
    (
        "invalid",
        422,
        _status(
            422, 'Service "s" is invalid: spec.ports[1].name: Duplicate value: "http"', "Invalid"
        ),
        "HF2005",
        Retry.NEVER,
    ),
    (
        "strict decoding",
        400,
        _status(400, 'strict decoding error: unknown field "spec.x"', "BadRequest"),
        "HF2005",
        Retry.NEVER,
    ),
    ("too many", 429, b"busy", "HF2009", Retry.BACKOFF),
    (
        "typed patch",
        500,
        _status(
            500,
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not "
            "declared in schema",
        ),
        "HF2012",
        Retry.NEVER,
    ),
    (
        "bad base64",
        500,
        _status(500, "failed to convert new object (/s; /v1, Kind=Secret) to proper version: …"),
        "HF2012",
        Retry.NEVER,
    ),
    ("overloaded", 503, b"", "HF2009", Retry.BACKOFF),
    ("starting", 503, _status(503, STARTING, "ServiceUnavailable"), "HF2009", Retry.BACKOFF),
    ("etcd", 500, _status(500, "etcdserver: leader changed", ""), "HF2010", Retry.BACKOFF),
    ("gateway", 502, b"<html>", "HF2010", Retry.BACKOFF),
    ("unheard of", 418, b"", "HF2010", Retry.BACKOFF),
]


@pytest.mark.parametrize(
    ("status", "body", "code", "retry"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_an_answer_is_classified_by_the_table(
    status: int, body: bytes, code: str, retry: Retry
) -> None:
    error = classify(parse_answer(status, body))
    assert (error.code, error.retry) == (code, retry)
    assert error.status == status
    assert error.code in CODES


def test_every_row_of_the_table_is_reached_by_a_case() -> None:
    reached = {
        row.rule
        for _, status, body, *_ in CASES
        if (row := find_row(parse_answer(status, body))) is not None
    }
    # Its words also come with the cause, which the row before it takes.
    words_alone = parse_answer(409, _status(409, "… because it is being terminated", "Conflict"))
    other = parse_answer(403, _status(403, "no", ""))
    reached |= {row.rule for answer in (words_alone, other) if (row := find_row(answer))}
    assert reached == {row.rule for row in TABLE}


def test_the_servers_own_words_are_the_message() -> None:
    error = classify(parse_answer(404, _status(404, 'configmaps "a" not found', "NotFound")))
    assert error.message == 'configmaps "a" not found'
    assert error.reason == "NotFound"


def test_causes_are_kept() -> None:
    causes = [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"}]
    error = classify(parse_answer(422, _status(422, "…", "Invalid", causes=causes)))
    assert error.causes == (("spec.x", "Required value"),)


def test_long_words_keep_their_beginning_and_their_end() -> None:
    error = classify(parse_answer(500, b"what" + b"x" * 2000 + b"why"))
    assert len(error.message) == MESSAGE_CHARS
    assert error.message.startswith("what")
    assert error.message.endswith("why")


def test_a_refusal_that_quotes_a_whole_object_still_says_why() -> None:
    why = f"Invalid value: {{{'x' * 3000}}}: field is immutable"
    causes = [{"reason": "FieldValueInvalid", "message": why, "field": "spec.template"}] * 2
    message = f'Job.batch "once" is invalid: [spec.template: {why}, spec.template: {why}]'
    error = classify(parse_answer(422, _status(422, message, "Invalid", causes=causes)))
    assert error.message.startswith('Job.batch "once" is invalid: spec.template: Invalid value: {x')
    assert error.message.count(": field is immutable") == 2
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("Mon, 23 Nov 2026 16:00:00 GMT", None), (None, None)],
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    assert classify(parse_answer(429, b"", header)).retry_after_s == seconds


def test_a_server_that_starts_is_asked_again_soon_whatever_it_says() -> None:
    error = classify(parse_answer(503, _status(503, STARTING, "ServiceUnavailable"), "5"))
    assert error.code == "HF2009"
    assert error.retry_after_s is None


def test_retry_after_may_stand_in_the_body() -> None:
    body = _status(429, "busy", "TooManyRequests", retryAfterSeconds=7)
    assert classify(parse_answer(429, body)).retry_after_s == 7.0


@pytest.mark.parametrize(
    "words",
    [
        'Secret "s" is invalid: data[k]: Invalid value: "canary": bad',
        "failed to create typed patch object (/s): .data: expected map, got &{canary}",
        "got &value.valueUnstructured{Value:canary}",
        "the value Y2FuYXJ5 is not good",
    ],
)
def test_the_words_about_a_secret_lose_its_values(words: str) -> None:
    answer = Answer(422, "Invalid", words, (("", "data", words),), "Secret", "s")
    error = classify(answer, secrets=["Y2FuYXJ5"])
    told = error.describe() + repr(error.causes)
    assert "canary" not in told
    assert "Y2FuYXJ5" not in told


def test_a_secret_keeps_its_name_in_the_words() -> None:
    answer = Answer(422, "Invalid", 'Secret "s" is invalid: x', (), "Secret", "s")
    assert classify(answer, secrets=[]).message == 'Secret "s" is invalid: x'


def test_a_server_without_an_answer_is_named() -> None:
    error = unreachable("Connection refused", where="https://10.0.0.1:6443")
    assert (error.code, error.retry, error.status) == ("HF2001", Retry.BACKOFF, 0)
    assert "https://10.0.0.1:6443 cannot be reached (Connection refused)" in error.message
    assert "in time" in unreachable("", where="x", timed_out=True).message
