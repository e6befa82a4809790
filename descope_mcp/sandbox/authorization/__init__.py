"""Fine-grained authorization: schema, relations, checks, backups."""
