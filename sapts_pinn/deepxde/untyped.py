"""Names for objects of DeepXDE, which has no types: the one place where they are taken as they come."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Model = Any  # deepxde.Model
Data = Any  # deepxde.data.Data
BoundaryCondition = Any  # deepxde.icbc.BC, and this package's `TermCondition`
Net = Any  # deepxde.nn.NN
Loss = Any  # of `Model.compile`: a name, a function, or a list of these
Arrays = Any  # points, targets or auxiliary variables: an array, a tuple of arrays, or None
Keywords = dict[str, Any]  # of `Model.compile`, those of an optimizer included
Array = NDArray[Any]
