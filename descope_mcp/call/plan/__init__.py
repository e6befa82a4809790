"""A plan: many calls with one question, and data that does not pass through the model.

`steps` reads what was written, `references` says where values come from, `expansion` makes single
calls of it once the `sources` have been read. `judgement` looks at all of them like at single
calls, knowing by `prediction` what those before change. `consent` asks once for the whole, `run`
sends the calls through `invoke`, one after the other, and `record` keeps what became of each. There
is no second way to the API.
"""
