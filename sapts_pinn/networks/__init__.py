"""Architectures of networks, and the model of a problem.

mlp: `MLP`, the multilayer perceptron.
modified_mlp: `ModifiedMLP`, its Taylor rule and its layers for stages.
embeddings: Fourier features and periodic embeddings.
side_by_side: `SideBySide`, several networks, one for each group of unknowns.
base: `Network`, the interface of architectures with a Taylor rule of their own.
layout: Description of a module to the compiled kernels.
build: Networks from specifications: widths, modules, functions.
compiled: Compiled kernels of a network, or the reason why there are none.
model: `Model`, the ansatz around a network, with the unknown coefficients.
time_windows: Problems on windows in time, and the model that joins them.
freeing: Removal of a model's symmetries during training.
"""
