"""An operation of a CertLogic expression, between the rule as it is written and the closure made of it."""

from dataclasses import dataclass
from typing import Any

from verifier.certlogic_values import Evaluator, Value


@dataclass(frozen=True, slots=True)
class Constant:
    """What evaluates to the same whatever the data."""

    value: Value

    def __call__(self, _: Value) -> Value:
        """Return it."""
        return self.value


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation whose operands are compiled: `nodes` are these, `operands` the same as they stand in the rule."""

    operator: str
    operands: list[Any]
    nodes: list[Evaluator]
