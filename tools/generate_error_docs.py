"""Write docs/reference/errors.md from the registry of error codes; `--check` only compares."""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "errors.md"
FAMILIES = {
    "HF1": ("The repository", "What git holds is wrong, or git cannot be read."),
    "HF2": ("The cluster", "The API server said no, or could not be reached."),
    "HF3": ("The configuration", "What Holdfast was told contradicts itself or the cluster."),
    "HF4": ("Tools", "A program that Holdfast runs failed."),
    "HF9": ("Mistakes of ours", "Please report them with the log."),
}
ADVICE = {
    "HF1001": "Check `repoURL` and the credentials in the repository Secret; "
    "`git ls-remote <repoURL>` from the machine of the controller tells more.",
    "HF1002": "Name a branch, a tag or a commit that exists: `git ls-remote <repoURL>`.",
    "HF1003": "Correct `spec.source.path`; it is relative to the root of the repository.",
    "HF1004": "Mend the file and line that the message names.",
    "HF1005": "Give the object `apiVersion`, `kind` and `metadata.name`.",
    "HF1006": "Keep links and paths inside the repository.",
    "HF1007": "Split the folder, or leave large files out with `directory.exclude`.",
    "HF1008": "Use one tool block in `spec.source`, with values of the right type.",
    "HF1009": "Start Holdfast with `--allow-local-repos DIR`, naming a folder above it.",
    "HF2001": "Check that the API server runs and that the kubeconfig names it.",
    "HF2002": "Give the account of Holdfast the permission that the message names.",
    "HF2003": "The object is gone; nothing has to be done if that was meant.",
    "HF2004": "Holdfast reads again and retries; as an answer to a command, repeat it.",
    "HF2005": "Correct the fields that the message names.",
    "HF2006": "Install the CustomResourceDefinition, or correct `apiVersion` and `kind`.",
    "HF2007": "Allow replacement with `argocd.argoproj.io/sync-options: Force=true,Replace=true` "
    "on the object, or restore the field in git.",
    "HF2008": "Wait until the namespace is gone, create it, or add `CreateNamespace=true`.",
    "HF2009": "Holdfast waits as long as the server asks; look for what else loads the server.",
    "HF2010": "Look at the log of the API server; Holdfast tries again.",
    "HF2011": "Choose another name, or use `--upsert`.",
    "HF2012": "Correct the value that the message names; `Validate=false` leaves unknown fields "
    "out.",
    "HF2013": "Do what the webhook's message says; the heal or sync is tried again.",
    "HF2014": "Raise the quota, or ask for less.",
    "HF2015": "Nothing: the watch lists again by itself.",
    "HF3001": "Correct the kubeconfig part that the message names.",
    "HF3002": "Scale Argo CD's application controller to 0, or start with `--take-over`; "
    "`--observe` runs beside it.",
    "HF3003": "`holdfast app list` shows the names; `NAMESPACE/NAME` names another namespace.",
    "HF3004": "`holdfast proj list` shows the projects; `proj get` what one allows.",
    "HF3005": "Wait for it (`holdfast app wait --operation`), or `holdfast app terminate-op`.",
    "HF3006": "The message says which state is in the way and which command changes it.",
    "HF3007": "End the process that the message names, or use another `--data`.",
    "HF3008": "Use plain manifests or kustomize; the message names what is not built.",
    "HF3009": "Correct the option; `--help` shows the form.",
    "HF3010": "`holdfast install --crds-only | kubectl apply --server-side -f -`",
    "HF3012": "Give a journal that exists and can be opened; docs/reference/journal.md says how "
    "one "
    "is named. Healing goes on without it.",
    "HF3013": "Do what the hint says: another branch (`--branch NAME`), a clean working tree, or a "
    "name for the author. Nothing was written.",
    "HF3014": "Mend the keys that the message names; the last good configuration is in force. The "
    "grammar: [notifications](notifications.md).",
    "HF3015": "Sign in: `holdfast login HOST:PORT`, or give `--auth-token`.",
    "HF3016": "Add `--core` to go straight to the cluster, or look at `--server`: it names no "
    "Holdfast server, or one that is older.",
    "HF3017": "`holdfast repo list`, `holdfast repocreds list` and `holdfast cluster list` show "
    "what is known; add it first.",
    "HF4001": "Install the tool that the message names.",
    "HF4002": "The message holds the first and the last lines that the tool printed.",
    "HF4003": "Make the source smaller, or find out what the tool waits for.",
    "HF4004": "Run the credential plugin by hand; the message names it.",
    "HF4005": "The message says what the receiver answered; `holdfast status` names the target. "
    "See [notifications](notifications.md).",
    "HF9001": "Report it with the traceback from the log. Only the round that met it was ended.",
}


def registered() -> dict[str, str]:
    """Return the registry of codes."""
    sys.path.insert(0, str(ROOT / "src"))
    from holdfast.domain.errors import CODES  # noqa: PLC0415 - runs without an installed package

    return CODES


def render(codes: dict[str, str]) -> str:
    """Return the page."""
    lines = [
        "<!-- generated by tools/generate_error_docs.py -->",
        "# Errors",
        "",
        "Every error that Holdfast shows has a code. Codes are never reused.",
        "The message says what happened and what it means; this page says what to do.",
    ]
    for prefix, (title, text) in FAMILIES.items():
        lines += ["", f"## {prefix}xxx {title}", "", text, "", "| code | meaning | what to do |"]
        lines.append("|---|---|---|")
        for code, meaning in sorted(codes.items()):
            if code.startswith(prefix):
                lines.append(f'| <a id="{code.lower()}"></a>{code} | {meaning} | {ADVICE[code]} |')
    return "\n".join(lines) + "\n"


def used_codes() -> set[str]:
    """Return the codes that the source names outside the registry."""
    found: set[str] = set()
    for file in (ROOT / "src").rglob("*.py"):
        if file.name != "errors.py" or file.parent.name != "domain":
            found |= set(re.findall(r"HF\d{4}", file.read_text()))
    return found


def main() -> int:
    """Write or compare the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is old")
    options = parser.parse_args()
    text = render(registered())
    if not options.check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print("docs/reference/errors.md is old: run python tools/generate_error_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
