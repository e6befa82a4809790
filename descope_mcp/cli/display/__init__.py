"""What a command prints: a sentence, a table, progress; with ``--json`` one object a line."""
