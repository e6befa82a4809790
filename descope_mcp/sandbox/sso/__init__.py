"""Single sign-on of a tenant's users at the tenant's own identity provider."""
