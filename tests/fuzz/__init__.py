"""Requests of any form, made from the API's own document, against a running Holdfast.

    python -m tests.fuzz --seconds 120 --seed 7

schemathesis makes them; what it finds is a status, a type or a shape that the document does not
know, a mistake of the server, or a row that answers without a token. Streams have no end and are
left to tests of their own.
"""
