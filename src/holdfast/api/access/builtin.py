"""The rules that are always there (docs/internals/argocd/api.md §3.4)."""

_READ = {
    "applications": "*/*",
    "applicationsets": "*/*",
    "logs": "*/*",
    "certificates": "*",
    "clusters": "*",
    "repositories": "*",
    "write-repositories": "*",
    "projects": "*",
    "accounts": "*",
    "gpgkeys": "*",
}
_CHANGE = (
    ("applications", "create update update/* delete delete/* sync rollback override action/*"),
    ("applicationsets", "get create update delete"),
    ("certificates", "create update delete"),
    ("clusters", "create update delete"),
    ("repositories", "create update delete"),
    ("write-repositories", "create update delete"),
    ("projects", "create update delete"),
    ("accounts", "update"),
    ("gpgkeys", "create delete"),
    ("exec", "create"),
)
_IN_PROJECTS = frozenset({"applications", "applicationsets", "exec"})
ADMIN_ROLE = "role:admin"
READ_ROLE = "role:readonly"
ADMIN = "admin"


def _text() -> str:
    lines = [f"p, {READ_ROLE}, {name}, get, {target}, allow" for name, target in _READ.items()]
    for name, actions in _CHANGE:
        target = "*/*" if name in _IN_PROJECTS else "*"
        lines += [f"p, {ADMIN_ROLE}, {name}, {one}, {target}, allow" for one in actions.split()]
    lines += [f"g, {ADMIN_ROLE}, {READ_ROLE}", f"g, {ADMIN}, {ADMIN_ROLE}"]
    return "\n".join(lines)


BUILT_IN = _text()

RESOURCES = (
    "clusters", "projects", "applications", "applicationsets", "repositories",
    "write-repositories", "certificates", "accounts", "gpgkeys", "logs", "exec", "extensions",
)  # fmt: skip
ACTIONS = (
    "get", "create", "update", "delete", "sync", "rollback", "override", "action", "invoke",
)  # fmt: skip
