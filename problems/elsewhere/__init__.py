"""Values elsewhere in an equation: at other points, before the start of time, and integrals.

integral: `Integral`, an integral of the unknowns that an equation uses by name.
companions: The points that each point of the equation brings along, and what the equation sees of them.
kinks: Times at which delays make derivatives jump, and the network's inputs that jump there.
"""
