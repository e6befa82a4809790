"""Whoever can write the database, and has not the key, gains nothing by it: it is noticed.

`signed_rows` has the rows that allow or forbid something, summed up in the `ledger` by `row_sums`;
the `witness` remembers beside the key how far ledger and journal had come. `accept_damage` is the
way on for a person whose store is not as it was left.
"""
