"""Rows through a model, some at a time; what engine.mapping and engine.integrations share."""

from engine.rows.caller import Answers, BatchCaller, Failure
from engine.rows.fitting import fitted

__all__ = ["Answers", "BatchCaller", "Failure", "fitted"]
