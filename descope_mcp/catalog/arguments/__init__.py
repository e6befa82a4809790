"""The arguments of a call: checked against the schema, spelled as clients spell them, and meant."""
