"""Our verdicts are casbin's, for any policy."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.api.access.grammar import Lines, Link, RuleLine
from holdfast.api.access.rules import Extra, Policy

_NAMES = st.sampled_from(["ann", "bob", "role:a", "role:b", "role:c", ""])
_RULES = st.builds(
    RuleLine,
    _NAMES,
    st.sampled_from(["applications", "projects", "*", "app*"]),
    st.sampled_from(["get", "sync", "*", "action/*", "g?t"]),
    st.sampled_from(
        [
            "shop/web",
            "shop/*",
            "*/web",
            "*",
            "shop/[wx]eb",
            "{shop,till}/*",
            "*/*",
            "shop",
            "s?op/web",
            "shop*",
            "shop/{web,other/*}",
        ]
    ),
    st.sampled_from(["allow", "allow", "deny"]),
)
_LINKS = st.builds(Link, _NAMES, st.sampled_from(["role:a", "role:b", "role:c"]))
_ASKED = st.tuples(
    st.sampled_from(["ann", "bob", "role:a", "nobody", ""]),
    st.sampled_from(["applications", "projects"]),
    st.sampled_from(["get", "sync", "action/apps/x"]),
    st.sampled_from(["shop/web", "till/web", "shop/other/web", "shop"]),
)


@settings(deadline=None)
@given(st.lists(_RULES, max_size=8), st.lists(_LINKS, max_size=5), st.lists(_ASKED, min_size=1))
def test_every_verdict_is_that_of_casbin(
    rules: list[RuleLine], links: list[Link], asked: list[tuple[str, str, str, str]]
) -> None:
    kept = [link for link in links if link.subject != link.role]
    policy = Policy(Lines(tuple(rules), tuple(kept)))
    for question in asked:
        assert policy.allows(question[0], Extra(), *question[1:]) == policy.enforcer.enforce(
            *question
        ), question
