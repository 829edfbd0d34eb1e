"""Problems as in a paper: formulas of the equations and conditions, from the functions of the user.

statement_of(problem)      formulas in the syntax of Python, as kept in config.json
as_text, as_mathml         the same for a terminal and for a page
"""

from .mathml import as_mathml
from .plain import as_text
from .statement import Statement, Written, place, statement_of

__all__ = ["Statement", "Written", "as_mathml", "as_text", "place", "statement_of"]
