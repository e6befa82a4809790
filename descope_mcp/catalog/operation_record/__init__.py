"""The curated record of an operation: what people write in ``tool_specs/operations``.

A record says what the contract cannot: what an operation is for, what it destroys, which
arguments change that, what to read before asking a person, and what cannot be brought back.

`record` has every key of it; `rule` those of ``when``, `recipe` those of ``preview``, ``impact``,
``before``, ``settled`` and ``restore``, `effect` the words for what is dangerous.

Paths are dotted argument names; ``users[].roleNames`` reaches into every element of a list.
``loginIds[0]`` is the first element of a list, ``loginIds[1:]`` are the others.

A recipe's values may be references. Anything else is a literal.

- ``$args.loginId``: an argument of the call;
- ``$before.name``: what the first step of the preview found, ``$before[].id`` where that is a list;
- ``$found.SearchRoles[].name``: what another step found, by the name of its read;
- ``$project``: the configured project id;
- ``$answer.id``: the answer of the call, in a restore only;
- ``$item.name``, ``$element.name``: the elements that a restore is at (see ``Restore``);
- ``$args.roleNames - $before.roleNames``: the values of one list that are not in another, with
  ``&`` those that are.

In an object of a recipe, ``$like: $before`` stands for all fields of that object (of the request's
schema only what it takes; a null leaves one out), and ``$each: $before.groups`` makes a list: the
rest of the object once for every ``$element`` of the other list.
"""
