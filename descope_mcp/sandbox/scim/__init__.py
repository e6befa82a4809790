"""SCIM (RFC 7644): users and groups of the tenant that an access key is for."""
