"""What a client can list and read: tools, resources, prompts, pages about operations."""
