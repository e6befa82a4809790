"""The project as OAuth authorization server and OpenID provider."""
