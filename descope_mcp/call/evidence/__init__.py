"""What a change did, as data that whoever made it can report from."""
