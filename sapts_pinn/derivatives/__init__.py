"""Derivatives of networks by Taylor-mode differentiation.

taylor: `Channels` and `propagate`: all derivatives with respect to the inputs in one pass.
activations: Derivatives of the activation functions.
context: Name for the context of an `autograd.Function`.
"""
