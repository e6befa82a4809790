"""Security questions: answers that a user gave once, asked for again."""

from __future__ import annotations

from collections.abc import Mapping

from descope_mcp.sandbox.engine.errors import INVALID, WRONG_ANSWERS, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, objects
from descope_mcp.sandbox.engine.registry import Answer, Arguments, failed, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sessions.sessions import current, current_user
from descope_mcp.sandbox.sign_in import password_rules
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.users.tables import CREDENTIALS

#: The questions that a user may choose from.
QUESTIONS = {
    "first-pet": "What was the name of your first pet?",
    "first-school": "Which school did you go to first?",
    "birth-town": "In which town were you born?",
    "first-job": "Where was your first job?",
    "childhood-street": "In which street did you live as a child?",
}


@handles("SetupUserSecurityQuestions", required=["loginId", "answers[]"])
def set_up(state: State, arguments: Arguments) -> Answer:
    """Keep the signed-in user's answers in place of the former ones."""
    user = sign_in.named_self(state, arguments["loginId"])
    answers = _answers(arguments)
    if unknown := answers.keys() - QUESTIONS.keys():
        raise DescopeError(INVALID, f"Unknown question: {', '.join(sorted(unknown))}")
    kept = {i: password_rules.hashed(state.random, text) for i, text in answers.items()}
    state.change(CREDENTIALS, state.get(CREDENTIALS, user["userId"]), {"securityAnswers": kept})
    state.record("UserModified", user=user)
    return {}


@handles("GetUserSecurityVerifyQuestions")
def asked(state: State, arguments: Arguments) -> Answer:
    """The questions that the signed-in user has answered."""
    own = state.get(CREDENTIALS, current_user(state)["userId"])
    return {"questions": [{"id": i, "text": QUESTIONS[i]} for i in own["securityAnswers"]]}


@handles("VerifyUserSecurityQuestions", required=["loginId", "answers[]"])
def verify(state: State, arguments: Arguments) -> Answer:
    """Every answer must be right; the session goes on with one more method."""
    user = sign_in.named_self(state, arguments["loginId"])
    kept = state.get(CREDENTIALS, user["userId"])["securityAnswers"]
    answers = _answers(arguments)
    right = [i for i, text in answers.items() if password_rules.fits(text, kept.get(i, ""))]
    if not kept or set(right) != kept.keys():
        state.record("LoginFailed", user=user)
        return failed(WRONG_ANSWERS)
    stepup = fill({"stepup": False}, arguments)
    chosen = {**sign_in.OPTIONS, **stepup, "session": current(state)["id"]}
    return sign_in.enter(state, user, "sq", chosen)


def _answers(arguments: Arguments) -> dict[str, str]:
    """The answers by question, as they are compared: whatever their case and outer spaces."""

    def one(item: Mapping[str, object]) -> Record:
        return fill({"id": "", "answer": ""}, item)

    given = [one(item) for item in objects(arguments, "answers")]
    return {item["id"]: item["answer"].strip().casefold() for item in given}
