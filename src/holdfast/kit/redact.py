"""Take secrets out of texts that people will read: messages, log lines, output of tools.

Every rule takes a time that grows with the text and not with its square: texts come from outside
(`tests/property/test_redact.py`).
"""

import re

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # scheme://user:password@host and scheme://token@host. The scheme itself isn't matched: in a
    # long text without spaces (base64) that would take a time that grows with its square.
    (re.compile(r"://[^\s/@'\"]+@"), "://***@"),
    (re.compile(r"(?i)\b(authorization\s*[:=]\s*)(?:(bearer|basic|token)\s+)?\S+"), r"\1\2 ***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"), r"\1 ***"),
    (
        re.compile(
            r"(?i)\b(password|passwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret)"
            r"(\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&]+)"
        ),
        r"\1\2***",
    ),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[baprs]-)[A-Za-z0-9_-]{10,}"), "***"),
    # A JWT. Each run of its characters is looked at once, from its beginning, and only if two dots
    # follow: from each `eyJ` of `eyJ-eyJ-…` on, that would be the square of its length.
    (
        re.compile(
            r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++\.)((?:[A-Za-z0-9_-]*?-)??)"
            r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+"
        ),
        r"\1***",
    ),
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        "***",
    ),
)


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return the text without credentials.

    Args:
        text: Any text, e.g. an error of a library.
        secrets: Values that are known to be secret; short ones (under 4 characters) are not
            replaced, since that would garble the text.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def cut(text: str, *, head: int = 20, tail: int = 20, line_length: int = 500) -> str:
    """Return the first and last lines of a text; each line keeps its beginning and its end.

    Args:
        text: Output of a tool.
        head: How many lines of the beginning.
        tail: How many lines of the end.
        line_length: Longer lines are cut in their middle, with `…`.
    """
    lines = text.splitlines()
    if len(lines) > head + tail:
        left_out = len(lines) - head - tail
        lines = [*lines[:head], f"… {left_out} lines left out …", *lines[-tail:]]
    start = line_length * 3 // 5
    return "\n".join(
        line if len(line) <= line_length else f"{line[:start]}…{line[start - line_length :]}"
        for line in lines
    )


def tidy(output: str, secrets: tuple[str, ...] = ()) -> str:
    """Return output of a tool as it may stand in a message: redacted, then cut."""
    return cut(redact(output, secrets).strip())
