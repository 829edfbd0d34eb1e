"""Results of a run.

solution: `Solution`: evaluate, compare, draw, export, save, load.
reference_error: The error against the reference of a problem.
uncertainty: Standard errors of unknown coefficients.
numerical_error: The numerical error of coefficients.
diagnosis: What limits a run.
extrapolation: Points outside of the domain.
report: The report of a run, one HTML file.
storage: A solution in a folder, written and read again.
"""
