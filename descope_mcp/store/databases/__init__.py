"""The kinds of database that the store can lie in."""
