"""A disclosure as text: one order of what is said (`layout`), arranged for where it is read."""
