"""The recipes of a record: what is read, counted, compared and called to undo."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen


class Read(Frozen):
    """One step of a preview: a read and where its answer holds the target.

    ``narrow`` are further arguments, each left out where it leads nowhere; without any of
    ``arguments`` the read would be of something else and is not made. ``find`` is the dotted path
    to the object or list in the answer ("" is the whole answer); ``match`` keeps the elements of
    a list whose fields equal the given values; a field named in ``bare`` must be empty where its
    value is not given (a role without a tenant). Of those in ``either`` one that agrees is enough
    (roles by id or by name). Where the first of them does, or an ``id``, ``bare`` does not count:
    an id says it all. ``otherwise`` are other arguments that may mean the same target (a user id in
    place of a login id); all are read, and if two find different things, the call is refused. An
    ``optional`` step may find nothing (a tenant without SSO); any other step that fails refuses the
    call.

    With ``each``, a reference to a list, the step is made for every ``$element`` of it, and what
    these find is put together, the same once. An element that says nothing refuses the call.
    """

    operation: str
    each: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    narrow: dict[str, Any] = Field(default_factory=dict)
    find: str = ""
    match: dict[str, Any] = Field(default_factory=dict)
    bare: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    otherwise: tuple[dict[str, Any], ...] = ()
    optional: bool = False


class Count(Frozen):
    """One step of an impact: a read and what to count in its answer.

    ``count`` is the dotted path to a number, or to a list whose (matching) elements are counted;
    ``narrow``, ``match`` and ``either`` are as those of `Read`. ``key`` is what the count is called
    in ``says``.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    narrow: dict[str, Any] = Field(default_factory=dict)
    count: str
    match: dict[str, Any] = Field(default_factory=dict)
    either: tuple[str, ...] = ()
    label: str
    key: str = ""


class Lookup(Frozen):
    """Which elements of a list in the before-state an argument replaces.

    ``among`` refers to the list. ``match`` keeps the elements whose fields equal the given values;
    a field named in ``bare`` must be empty where its value is not given; an element that equals
    ``other_than`` is left out. ``take`` is what of each element the argument has, with references
    to ``$item``. ``single`` means the one element itself and not a list.

    A lookup whose ``match`` says nothing, since the call does not give the values, does not count.
    """

    among: str
    match: dict[str, str] = Field(default_factory=dict)
    bare: tuple[str, ...] = ()
    other_than: str = ""
    take: str | dict[str, str] = "$item"
    single: bool = False


#: Where the before-state holds an argument: a reference, a lookup, or one of `WORDS`.
Source = str | Lookup
#: What there is to say of an argument that the before-state does not simply hold.
#: kept: no read returns it; left out, the service keeps it. lost: no read returns it; left out, it
#: is cleared. option: it belongs to the call and not to the object. lock: the version that the
#: before-state has, whatever the caller says.
WORDS = ("kept", "lost", "option", "lock")


class Settled(Frozen):
    """What is so already where a call has nothing to do.

    Every one of ``values``, a reference, is ``within`` what the before-state holds (of several
    sources the first that is there), is ``outside`` of it, or ``equals`` a literal.
    """

    values: str
    within: Source | tuple[Source, ...] = ()
    outside: Source | tuple[Source, ...] = ()
    equals: str = ""


class Restore(Frozen):
    """A call that undoes the operation, wholly or in part.

    A reference in ``arguments`` that leads nowhere leaves the whole call out, unless the argument
    is named in ``optional``: a deletion must never reach further than what was made.

    ``each`` refers to a list, or to one object: the call is made for every element, ``$item``. With
    ``of`` it is made for every element of a second list, ``$element``. Only elements (of the
    second, where there are two) that agree with ``match`` count; if ``joined``, one call is made
    of all of them, their lists joined. A call belongs to the undo only if every reference in
    ``given`` leads somewhere, none in ``bare`` does, and the arguments of the operation that
    ``is_true`` and ``not_true`` name are true and are not.

    A call runs after all calls of the recipes before it. With ``after`` only after those of the
    operations named there (``[]``: of none), and beside the others; calls that change the same
    object never run at once.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    each: str = ""
    of: str = ""
    match: dict[str, Any] = Field(default_factory=dict)
    joined: bool = False
    given: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    is_true: tuple[str, ...] = ()
    not_true: tuple[str, ...] = ()
    after: tuple[str, ...] | None = None
