"""When to try again, how fast to go, when to give up."""

from .deadline import Deadline
from .pace import Pace, Pacing, note_answer
from .retry import Retry

__all__ = ["Deadline", "Pace", "Pacing", "Retry", "note_answer"]
