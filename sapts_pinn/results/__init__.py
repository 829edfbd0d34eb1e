"""Results of a run.

solution: `Solution`: evaluate, compare, draw, export, save, load.
reference_error: The error against the reference of a problem.
uncertainty: Standard errors of unknown coefficients.
numerical_error: The numerical error of coefficients.
diagnosis: What limits a run.
extrapolation: Points outside of the domain.
report: The report of a run, one HTML file; a comparison as another.
comparison: Figures of several runs, and the settings in which they differ.
charts, pages: Curves, and values and formulas, for pages from the folder `templates`.
repeat: The command that repeats a run.
known: A picture of a problem's reference.
storage: A solution in a folder, written and read again.
"""
