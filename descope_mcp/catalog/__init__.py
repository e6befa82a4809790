"""The operations as plain data; reads nothing but tool_specs."""
