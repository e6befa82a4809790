"""The path of a call, from the top down.

`invoke` runs one call: the `assessment` finds the operation, checks its arguments, asks the policy,
and, where that is needed, reads the before-state, fills in what a replace leaves out and weighs the
difference; the guard demands a person's word; `audit_record` writes the journal's word before and
after; `send` makes the one authenticated request. `undo` takes a journalled call back through
`invoke`. What goes in and comes out is in `outcome`, what the first look makes of it in `checked`,
what every call needs in `services`.
"""
