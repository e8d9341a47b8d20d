"""`holdfast app …`: one module for each group of commands, imported when one is used."""
