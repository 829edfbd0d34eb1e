"""The training loop.

trainer: `Trainer`, the loop.
points: `Points`, what is trained on.
collocation: Collocation points of a problem.
balancing: Weights of the terms of the loss.
budget: How long a run may take.
records: Rows of the history.
interrupts: Ctrl-C during a run.
"""
