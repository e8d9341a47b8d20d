"""The two glob dialects of Argo CD's settings, as compiled and cached regular expressions.

`matches_glob`: `*`, `?`, `[ab]`, `[!ab]`, `{a,b}`, `**`; `*` and `?` stop at a separator if one is
given. `matches_path_glob`: shell style, without braces; `*` stops at `/`, `[^ab]` negates.
A pattern that does not compile matches nothing: a rule that cannot be read must not permit. Who
denies by a pattern asks `is_glob` first.

Users write these patterns, so no pattern may take long: what stands between two stars is matched at
its first place and never tried again, which is right where all stars are of one kind and there are
no alternatives. Other patterns may hold `MAX_FREE_STARS` stars.
"""

import re
from functools import lru_cache
from itertools import pairwise

MAX_FREE_STARS = 4
MAX_LENGTH = 1024


def is_glob(pattern: str, separator: str = "") -> bool:
    """Whether `matches_glob` can read the pattern."""
    return _compile(pattern, separator, True) is not None


def matches_glob(pattern: str, text: str, separator: str = "") -> bool:
    """Whether the whole text matches (sources, destinations, exclusions, ignore rules)."""
    if pattern == "*" and not separator:
        return True
    compiled = _compile(pattern, separator, True)
    return compiled is not None and compiled.fullmatch(text) is not None


def matches_path_glob(pattern: str, text: str) -> bool:
    """Whether the whole text matches (white and black lists of projects)."""
    compiled = _compile(pattern, "/", False)
    return compiled is not None and compiled.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compile(pattern: str, separator: str, has_braces: bool) -> re.Pattern[str] | None:
    try:
        if len(pattern) > MAX_LENGTH:
            return None
        return re.compile(_translate(pattern, separator, has_braces), re.DOTALL)
    except (re.error, ValueError):
        return None


def _translate(pattern: str, separator: str, has_braces: bool) -> str:
    one = f"[^{re.escape(separator)}]" if separator else "."
    parts: list[str] = []
    depth = position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and position + 1 < len(pattern):
            parts.append(re.escape(pattern[position + 1]))
            position += 1
        elif char == "*":
            stars = len(pattern) - position - len(pattern[position:].lstrip("*"))
            parts.append(".*" if has_braces and stars > 1 else f"{one}*")
            position += stars - 1  # a run of stars is one star: no needless backtracking
        elif char == "?":
            parts.append(one)
        elif char == "[":
            text, position = _translate_class(pattern, position)
            parts.append(text)
        elif has_braces and (char == "{" or (depth and char in ",}")):
            parts.append({"{": "(?:", ",": "|", "}": ")"}[char])
            depth += {"{": 1, ",": 0, "}": -1}[char]
        else:
            parts.append(re.escape(char))
        position += 1
    if depth:
        raise ValueError(f"unclosed brace in {pattern!r}")
    return _join(parts)


def _join(parts: list[str]) -> str:
    """Join, and forbid the stars to try what is in vain."""
    stars = [index for index, part in enumerate(parts) if part.endswith("*") and part[-2] != "\\"]
    kinds = {parts[index] for index in stars}
    if len(kinds) > 1 or "(?:" in parts:
        if len(stars) > MAX_FREE_STARS:
            raise ValueError("too many stars")
        return "".join(parts)
    pieces = [] if not stars else ["".join(parts[: stars[0]])]
    for start, end in pairwise([*stars, len(parts)]):
        text = "".join(parts[start + 1 : end])
        is_last = end == len(parts)
        pieces.append(f"{parts[start]}{text}" if is_last else f"(?>{parts[start]}?{text})")
    return "".join(pieces or parts)


def _translate_class(pattern: str, start: int) -> tuple[str, int]:
    end = pattern.find("]", start + 2)
    if end < 0:
        raise ValueError(f"unclosed class in {pattern!r}")
    body = pattern[start + 1 : end]
    negated = body[0] in "!^"
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", body[1:] if negated else body)
    if not members:
        raise ValueError(f"empty class in {pattern!r}")
    return f"[{'^' if negated else ''}{members}]", end
