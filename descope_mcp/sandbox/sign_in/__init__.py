"""The ways in which somebody signs in, one a module; `shared` has what all of them do."""
