"""The project itself, and the settings that belong to all of it."""
