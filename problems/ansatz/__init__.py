"""The ansatz u = g + l N: conditions that hold exactly, whatever the network N is.

ansatz: `Ansatz`, the form of a solution and the parts it is made of.
build: `AnsatzBuilder`, which decides the conditions that are built in and puts the ansatz together.
candidates: Conditions for which there is an exact construction.
suitability: Data that are not smooth enough, or cost too much, to be built in.
compatibility: Conditions that contradict each other where they meet.
data: Prescribed values as functions of points.
outline: Factors and holes of a domain, as far as exact conditions need them.
corners: Corner singularities as additional inputs of the network.
singular: The part of a solution that a kink or a jump in the data causes, in closed form.
"""
