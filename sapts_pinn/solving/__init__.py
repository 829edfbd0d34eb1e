"""`solve`: train a network to solve a problem.

run: `solve`, one run.
settings: `RunSettings`: the arguments, config.json, a resumed run and the command line.
examination: Audit, diagnosis and uncertainty after the training.
making: Parts, model and points of a run.
own_points: Points of the equation that the user gives.
warm_start: Start from an earlier solution.
march: Window after window in time.
seeds: Several seeds.
members: Runs of a set that go on.
comparison: `compare`, several methods in a table.
sources: Where the problem of a command comes from.
gallery: Every problem of the zoo on one picture.
"""
