"""Which calls are allowed, asked about or denied: their risk, the rules of a file, the default."""
