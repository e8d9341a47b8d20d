"""OpenAPI documents, made of the types in `schema`: names and types, no prose."""
