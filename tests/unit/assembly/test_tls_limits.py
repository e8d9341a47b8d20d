"""Versions and ciphers of TLS, by the keys of Argo CD."""

from __future__ import annotations

import ssl

import pytest

from holdfast.assembly.tls_limits import CIPHERS, MAXIMUM, MINIMUM, limit


def limited(**texts: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    limit(context, lambda key: {**texts}.get(key.rpartition(".")[2], ""))
    return context


def names(context: ssl.SSLContext) -> set[str]:
    """Ciphers that count for TLS 1.2."""
    return {c["name"] for c in context.get_ciphers() if not c["name"].startswith("TLS_")}


def test_without_a_word_it_is_what_python_takes_from_1_2_on() -> None:
    context = limited()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.maximum_version is ssl.TLSVersion.TLSv1_3
    assert names(context) == names(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_versions_are_taken_but_nothing_that_is_broken() -> None:
    assert limited(minversion="1.3").minimum_version is ssl.TLSVersion.TLSv1_3
    assert limited(maxversion="1.2").maximum_version is ssl.TLSVersion.TLSv1_2
    assert limited(minversion="1.0").minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", {"ECDHE-RSA-AES256-GCM-SHA384"}),
        (
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
        ),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256", {"AES128-GCM-SHA256"}),
        ("ECDHE-RSA-AES128-GCM-SHA256", {"ECDHE-RSA-AES128-GCM-SHA256"}),
    ],
)
def test_ciphers_have_gos_names_or_openssls(listed: str, found: set[str]) -> None:
    assert names(limited(ciphers=listed)) == found


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"minversion": "2"}, f'{MINIMUM}: "2" is no version'),
        ({"minversion": "1.3", "maxversion": "1.2"}, f"{MINIMUM} is above {MAXIMUM}"),
        ({"ciphers": "TLS_MADE_WITH_UP"}, f'{CIPHERS}: "TLS_MADE_WITH_UP" is no cipher'),
        ({"ciphers": "TLS_RSA_WITH_MADE_UP"}, f"{CIPHERS}: OpenSSL knows none"),
        ({"ciphers": "a b"}, f'{CIPHERS}: "a b" is no cipher'),
    ],
)
def test_what_is_no_good_is_named_and_changes_nothing(texts: dict[str, str], words: str) -> None:
    context = limited(minversion="1.3")
    with pytest.raises(ValueError, match=words):
        limit(context, lambda key: texts.get(key.rpartition(".")[2], ""))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert names(context) == names(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_it_may_change_while_it_serves() -> None:
    context = limited(minversion="1.3", ciphers="TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    limit(context, lambda _key: "")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert names(context) == names(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
