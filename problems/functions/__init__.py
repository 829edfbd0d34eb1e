"""Functions that a user gives: coefficients, sources and data of conditions.

special: Derivative rules of special functions that PyTorch evaluates but does not differentiate.
margins: Margins of every comparison in a function of the coordinates.
branches: Jumps, kinks and small supports of a function, located from its margins.
smoothness: Whether a function is smooth and autograd knows its derivatives.
table: `Table`, tabulated data as a differentiable function.
interpolants: Spline interpolants of smooth functions that autograd cannot differentiate.
given: Which given functions may be built into an ansatz.
"""
