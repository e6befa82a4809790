"""What the arguments of all operations mean, and that none is left without a word.

`marks` says which are a role, a host or an address, `rules` which risk follows from that; `units`
says which are moments; `explanations` puts together what describe shows of them, from `notes` and
`references`.
"""
