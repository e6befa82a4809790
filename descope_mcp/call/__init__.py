"""The path of a call, from the top down.

`invoke` runs one call: `examine` finds the operation, checks its arguments and asks the policy; the
guard reads the before-state, fills in what a replace leaves out, weighs the difference and, where
that is needed, demands a person's word; `audit_record` writes the journal's word before and after;
`send` makes the one authenticated request. `undo` takes a journalled call back through `invoke`.
What goes in and comes out is in `outcome`, what every call needs in `services`.
"""
