"""Who calls over HTTP: tokens of an authorization server, or of this server for machines."""
