"""Conditions that complete an equation.

base: `Condition`, and `Sites`, the points on which a condition or an equation is evaluated.
boundary: Dirichlet, Neumann, Robin and periodic conditions.
initial: Initial conditions.
boundary_equation: A boundary condition written like an equation.
interface: Surfaces inside the domain across which the solution has a kink.
observations: Measured values with their noise.
tables: Columns of numbers from text files.
"""
