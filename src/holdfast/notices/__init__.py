"""Tells people: what drifted, who did it, what became of it - to webhooks, chat, mail and pagers.

Purpose:    turn happenings into few messages, and deliver them.
Takes:      `Happening`s and `AppEvent`s (the same that feed journal and Events), the text of the
            ConfigMap `holdfast-notifications`, values of Secrets through a function.
Gives:      `teller.Teller` (a `Listener` and an `EventRecorder`), `worker` (`python -m …`).
Invariants: `take` is one `append`: nothing here can slow or stop a heal. What is slow (YAML, HTTP,
            TLS, apprise) happens in a process of its own. Values of Secrets are in no message,
            addresses of targets in no log line. A wrong configuration never replaces a good one.
Gotchas:    grammar, grouping and texts are pure and take the time as an argument.
Reference:  docs/reference/notifications.md; the form of subscriptions: docs/internals/argocd/api.md
            §9.
"""
