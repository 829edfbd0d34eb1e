"""Reflections that leave a problem unchanged.

symmetry: `Symmetry` and `Finder`, which establishes reflections term by term.
residuals: The residuals of a problem that are compared.
determined: Problems whose solution is unique for any coefficients.
known: Reflections that a known part of the solution shares.
observed: Mirror images of observed values.
seam: Smoothness on the circle that closes an interval.
requirements: One residual, and whether another one is its mirror image.
probing: A residual as a local function, probed with independent values of its arguments.
places: Points at which a function of the coordinates is examined.
"""
