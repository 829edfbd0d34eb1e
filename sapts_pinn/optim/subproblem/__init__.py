"""The trust-region subproblem: min g.s + s.B s / 2 over |s| <= radius.

step: `Step`, and inner products over ranks.
newton: The Newton step cut to length, for a positive definite B given by its inverse.
steihaug: Truncated conjugate gradients, for B given by products.
exact: The secular equation, for B given by its eigendecomposition.
low_rank: The exact step for a compact representation of few columns.
"""
