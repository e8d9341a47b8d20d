"""The journal: drift episodes, heals and syncs, on SQLite (WAL) or PostgreSQL.

Purpose:    remember what drifted, who did it, what was decided, and how it ended.
Takes:      `Happening`s, as a `Listener`; a DSN.
Gives:      `writer.JournalWriter` (the listener), `reading.Journal` (the port `JournalReader`).
Inside:     `tables` + `migrations` (the schema), `rows` (happening -> row, masked), `engines` (DSN
            -> transaction, all that differs between the databases), `retention` (age and size).
Invariants: it is never on the path of a heal: `take` puts a value on a bounded queue and returns;
            one thread with a connection of its own writes. Full, slow or broken: rows are dropped,
            counted, and that is said once. Rows are only ever added, and removed by retention.
            No value of a Secret is written, not even its hash.
Facts:      docs/internals/argocd/apply.md B2, B3, C4.
"""
