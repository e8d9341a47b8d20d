"""Sign-in at an OpenID Connect provider, by authlib (extra `oidc`; api.md §2.7)."""
