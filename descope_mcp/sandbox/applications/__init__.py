"""Applications that users come to or that come to users: SSO, third-party and outbound."""
