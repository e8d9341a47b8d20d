"""The page: HTML from the server, one stylesheet, one script; no node, no network.

    path ─▶ row ─▶ caller ─▶ screen (what is shown) ─▶ template (how it looks) ─▶ HTML

Screens read live copies and ask `Queries` and the journal, as the REST routes do; what a person
does goes to those routes. A live stream tells the script that something changed; it then asks for
the same screen again and lays it over what is there.
"""
