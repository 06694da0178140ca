"""CertLogic 1.3 (ehn-dcc-development/eu-dcc-business-rules, certlogic/specification): rules about passes, as data.

    ready = compiled(rule)        once: checked whole, constants worked out, paths split, one closure for each operation
    ready(data)                   as often as passes come: a value, or CertLogicError

Where the specification leaves open or its implementations differ:

- `===` and `in` compare texts, integers, booleans and null; arrays, objects and date-times not with each other.
- 2.0 is the integer 2, as in JavaScript; integers beyond 2^53 - 1 are no result.
- Every operand of `and` that is reached must be truthy or falsy, the last one too, as the specification has it.
- Data may hold aware times: `plusTime` takes them as it takes a text. Arrays may be tuples, and frozensets for `in`.
- A date that the calendar does not have is an error; so is a year before 1 or after 9999.
- In a reduction `data` are those around it, beside `accumulator` and `current`: the suite has that, unlike the text.
"""

from typing import Any

from verifier.certlogic_access import accessor
from verifier.certlogic_calculations import CALCULATIONS
from verifier.certlogic_logic import LOGIC
from verifier.certlogic_operation import Constant, Operation
from verifier.certlogic_problems import operator_of, problem_of
from verifier.certlogic_values import CertLogicError, Evaluator, Value

__all__ = ["CertLogicError", "Evaluator", "compiled", "evaluate", "problem_of"]

_BUILDERS = LOGIC | CALCULATIONS


def evaluate(expression: object, data: Value) -> Value:
    """Evaluate an expression once.

    Raises:
        CertLogicError: It is none (`problem_of` says why), or these data do not suit it.
    """
    return compiled(expression)(data)


def compiled(expression: object) -> Evaluator:
    """Make an expression ready to be evaluated often; what is returned may be used by several threads.

    Raises:
        CertLogicError: It is none, and `problem_of` says why.
    """
    problem = problem_of(expression)
    if problem is not None:
        raise CertLogicError(f"no CertLogic expression: {problem}")
    return _compiled(expression)


def _compiled(expression: Any) -> Evaluator:  # noqa: ANN401 - a rule is any JSON
    operator = operator_of(expression)
    if operator == "var":
        return accessor(expression["var"])
    if operator is not None:
        operands = expression[operator]
        nodes = [_compiled(operand) for operand in operands]
        return _folded(_BUILDERS[operator](Operation(operator, operands, nodes)), nodes)
    if isinstance(expression, list):
        nodes = [_compiled(item) for item in expression]
        return _folded(lambda data: [node(data) for node in nodes], nodes)
    return Constant(expression)


def _folded(node: Evaluator, operands: list[Evaluator]) -> Evaluator:
    """Work out at once what no data can change; what fails is left to fail where it is reached."""
    if not all(isinstance(operand, Constant) for operand in operands):
        return node
    try:
        return Constant(node(None))
    except CertLogicError:
        return node
