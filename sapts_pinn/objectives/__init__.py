"""Objectives, the functions that optimizers minimise.

base: `Objective`, `Separable` and their evaluations.
closure: Objectives from closures.
flat: Parameters as one vector.
least_squares: `LeastSquares`, the loss of a problem on given points.
residual_block: One term of that loss at its points.
partition: Points divided among subdomains or ranks.
data_parallel: Sums of objectives that different ranks own.
"""
