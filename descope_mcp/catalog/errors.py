"""What can be wrong with the data that the catalog is made of, and with arguments."""

from __future__ import annotations


class SpecError(Exception):
    """``tool_specs`` is wrong; the message names the file and line where it can."""


class RepairError(SpecError):
    """An entry of ``repairs.yaml`` is wrong or fits no longer; `index` is its place in the list."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


class InvalidArguments(Exception):
    """The arguments do not fit the operation. Nothing was sent.

    ``problems`` has one sentence per argument; none of them repeats a value.
    """

    def __init__(self, operation: str, problems: list[str]) -> None:
        super().__init__(f"{operation}: {'; '.join(problems)}")
        self.operation = operation
        self.problems = problems
