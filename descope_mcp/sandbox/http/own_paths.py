"""The paths that the sandbox has and Descope does not."""

#: For programs.
CONTROL = "/sandbox"
#: For a person with a browser.
INSPECTOR = "/inspect"
OWN = (CONTROL, INSPECTOR, "/favicon.ico")
