"""The programs that start this server, and their configuration: where it is, what an entry is."""
