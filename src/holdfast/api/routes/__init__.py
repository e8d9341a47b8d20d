"""The rows of the table, one module for each subject; `all_routes` puts them together."""
