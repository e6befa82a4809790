"""A newer contract beside the records of this one."""
