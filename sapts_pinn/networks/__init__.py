"""Networks, and the model of a problem.

mlp: `MLP`, the multilayer perceptron.
modified_mlp: `ModifiedMLP`, its Taylor rule and its layers for stages.
embeddings: Fourier features and periodic embeddings.
side_by_side: `SideBySide`, several networks, one for each group of unknowns.
build: Networks from specifications: widths, modules, functions.
compiled: Which compiled kernel evaluates a network.
model: `Model`, the ansatz around a network, with the unknown coefficients.
time_windows: Problems on windows in time, and the model that joins them.
freeing: A model without a symmetry that it had.
"""
