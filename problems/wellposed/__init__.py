"""Examination of a problem for being well posed, before any training.

wellposed: `examine`, all the examinations together.
counting: Number of independent conditions on a face, against the number that the equation needs.
symbol: The number that the equation needs, by the roots of its characteristic polynomial.
linearised: Linearisation of an equation or a condition about random states.
uniqueness: What the conditions leave free, and whether zero is a solution.
faces: Faces on which an unknown has too many conditions.
poles: Points at which a coefficient or a source is infinite.
features: Smallest length of sources and coefficients, against the distance of the points.
sensitivity: Whether autograd sees how a residual depends on the unknowns.
findings: One sentence and its severity.
check: The report of `sapts-pinn check`.
"""
