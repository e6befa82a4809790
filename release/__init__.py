"""What is published: wheel, sdist, bundle, registry and catalogue entries, bill of materials."""
