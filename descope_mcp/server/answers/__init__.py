"""What a tool call answers: one shape, of a bounded size, with the rest to be asked for."""
