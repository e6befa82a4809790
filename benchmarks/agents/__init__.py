"""What a task costs an agent: scripted conversations, replayed on the sandbox over stdio."""
