"""Which repositories are reached without their Secret's proxy."""

import pytest

from holdfast.sources.proxies import find_proxy

PROXY = "http://proxy.example:3128"


def test_without_a_proxy_the_environment_decides() -> None:
    assert find_proxy("https://git.example/a", "", "git.example") is True


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("", False),
        ("*", True),
        ("git.example", True),
        ("example", True),
        (".example", True),
        ("*.example", True),
        (".git.example", False),
        ("ample", False),
        ("other.example, git.example", True),
        ("git.example:443", True),
        ("git.example:8443", False),
        ("10.0.0.0/8", False),
    ],
)
def test_a_host_without_proxy(no_proxy: str, is_direct: bool) -> None:
    assert find_proxy("https://git.example/a", PROXY, no_proxy) == ("" if is_direct else PROXY)


@pytest.mark.parametrize(("rule", "is_direct"), [("10.0.0.0/8", True), ("10.1.2.4", False)])
def test_addresses_fit_ranges(rule: str, is_direct: bool) -> None:
    assert find_proxy("https://10.1.2.3/a", PROXY, rule) == ("" if is_direct else PROXY)
