"""What operations take: the JSON Schema that is checked, the published one, and a notation."""
