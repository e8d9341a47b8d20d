"""Who may show the page in a frame: `server.x.frame.options` (api.md §1.1).

Without a word nobody may, which is stricter than Argo CD's `sameorigin`: nothing of ours needs it,
and a page in somebody's frame is one whose buttons are pressed unseen.
"""

KEY = "server.x.frame.options"
_FRAMES = "frame-ancestors 'none'"


def framing(option: str, policy: str) -> dict[str, str]:
    """Return the headers that say who may.

    Args:
        option: `deny`, `sameorigin`, or nothing, which leaves the old header out, as in Argo CD;
            everything else counts as `deny`.
        policy: The content security policy of the page, which frames nothing; browsers of today
            follow it and not the old header.
    """
    match option.strip().lower():
        case "":
            return {"Content-Security-Policy": policy.replace(_FRAMES, "frame-ancestors 'self'")}
        case "sameorigin":
            own = policy.replace(_FRAMES, "frame-ancestors 'self'")
            return {"Content-Security-Policy": own, "X-Frame-Options": "SAMEORIGIN"}
        case _:
            return {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
