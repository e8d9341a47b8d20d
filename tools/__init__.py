"""Programs for people who work on Holdfast. Nothing here is shipped."""
