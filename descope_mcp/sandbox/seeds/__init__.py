"""The organisations that a sandbox can begin with; nothing but what starts one imports them."""
