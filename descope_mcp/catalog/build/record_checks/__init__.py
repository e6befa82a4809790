"""Whether a record fits the contract and the other records."""
