"""Domains of PDEs and the points on them: shapes, products with time, set operations, meshes, samplers."""

from .adaptive import rad, rar_d
from .coordinates import Angle, Parameter, Radius
from .domains import Difference, Domain, Intersection, Product, Union
from .mesh.mesh import Mesh, example_mesh
from .partition import (
    Cuts,
    bisection,
    cut,
    interleaved,
    overlapping_anywhere,
    overlapping_nearby,
    shuffled,
    slabs,
)
from .patches import BoundaryPoints, Patch
from .polygon import Polygon
from .samplers import SAMPLERS, unit_points
from .shapes import Ball, Box, Interval, Shape, Time

__all__ = [
    "SAMPLERS",
    "Angle",
    "Ball",
    "BoundaryPoints",
    "Box",
    "Cuts",
    "Difference",
    "Domain",
    "Intersection",
    "Interval",
    "Mesh",
    "Parameter",
    "Patch",
    "Polygon",
    "Product",
    "Radius",
    "Shape",
    "Time",
    "Union",
    "bisection",
    "cut",
    "example_mesh",
    "interleaved",
    "overlapping_anywhere",
    "overlapping_nearby",
    "rad",
    "rar_d",
    "shuffled",
    "slabs",
    "unit_points",
]
