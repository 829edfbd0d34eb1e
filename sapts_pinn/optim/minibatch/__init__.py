"""Optimizers on mini-batches.

optimizer: `MiniBatchSAPTS`.
batches: Mini-batches in random order.
sweeps: What the subdomains do in a sweep, for each kind of decomposition.
acceptance: Which values of the control a sweep may have.
examination: Whether the loss falls against a gradient.
moments: Moments of trust-region Adam.
first_order: First-order methods of PyTorch, one mini-batch after the other.
"""
