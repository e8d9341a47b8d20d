"""The nouns of Holdfast: values without behaviour towards the outside world.

Purpose:    what every other room talks in: identity, manifest, application, project, source,
            drift, health, verdict, plan, outcome, events, commands, queries, ports and errors.
Takes:      nothing; the standard library only.
Gives:      frozen dataclasses, enums, Protocols and the tree of errors.
Invariants: a `Manifest` never loses a field; identity never contains a version;
            nothing here reads a clock, a file or a socket.
"""
