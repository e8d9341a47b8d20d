"""The one-time link that lets the first browser on this machine in."""

from collections.abc import Callable

from holdfast.kit.clock import SystemClock

# `links` is imported on use: `holdfast run` needs it only where it observes.


def new_link() -> tuple[str, float]:
    """Return a fresh code, and the Unix time at which it ends."""
    from holdfast.api.signin import links  # noqa: PLC0415

    return links.make_code(), SystemClock().now().timestamp() + links.LASTS_S


def tell_link(address: str, code: str, say: Callable[[str], None], *, scheme: str = "http") -> None:
    """Say where the page is; with a code, as a link that signs in. Without an address, nothing."""
    if not address:
        return
    base = f"{scheme}://{address}"
    if not code:
        say(f"open {base}")
        return
    from holdfast.api.signin import links  # noqa: PLC0415

    say(f"open {links.link(base, code)}")
    say(f"  the link signs you in, once and within {links.LASTS_S // 60} minutes")
