"""Users, and the people who administer the project."""
