r"""The globs of `directory.include` and `directory.exclude`.

`*` and `?` cross `/` (no separators), `**` is `*`, `[a-z]`, `[!a]`, `{a,b}` with nesting, `\x`
takes a sign literally. Source: docs/internals/argocd/controller.md (conventions, §3.7).
"""

import re
from functools import lru_cache


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str] | None:
    """Return the pattern as a regular expression that matches a whole path, or None if invalid."""
    parts: list[str] = []
    braces = 0
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if parts[-1:] != [".*"]:  # `***` must not backtrack for ever
                parts.append(".*")
        elif char == "[":
            text, position = _char_class(pattern, position)
            if not text:
                return None
            parts.append(text)
        elif char == "\\" and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        else:
            braces += {"{": 1, "}": -1}.get(char, 0)
            if braces < 0:
                return None
            parts.append(_sign(char, inside=braces > 0))
    if braces:
        return None
    try:
        return re.compile("".join(parts) + r"\Z", re.DOTALL)
    except re.error:
        return None


def matches(pattern: str, path: str) -> bool:
    """Whether a path matches a glob; an invalid glob matches nothing."""
    compiled = compile_glob(pattern)
    return compiled is not None and compiled.match(path) is not None


def _sign(char: str, *, inside: bool) -> str:
    if char == "?":
        return "."
    if char == "{":
        return "(?:"
    if char == "}":
        return ")"
    return "|" if char == "," and inside else re.escape(char)


def _char_class(pattern: str, position: int) -> tuple[str, int]:
    end = pattern.find("]", position + 1)
    if end < 0:
        return "", position
    body = pattern[position:end]
    negated = body[:1] in {"!", "^"}
    body = (body[1:] if negated else body).replace("\\", "\\\\").replace("[", "\\[")
    return f"[{'^' if negated else ''}{body}]", end + 1
