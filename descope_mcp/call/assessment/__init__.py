"""What a call would do, known before it is sent, and what a person is told of it.

`examine` is the first look, at the arguments alone; `judge` reads what the call would hit, and
weighs it by what becomes different. `nothing_to_do` finds that nothing would, `disclosure` says
what would. Nothing in here changes anything.
"""
