"""What a call would hit and change, read before anybody is asked; a failed read refuses it."""
