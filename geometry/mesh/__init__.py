"""Domains from meshes of simplices.

mesh: `Mesh`, the domain of a mesh.
files: Readers of mesh files and of the meshes of PyVista and meshio.
checks: Faults of mesh files, mended where only one mesh can be meant, else refused.
tags: Names of the faces, from the groups of a file.
simplices: Splitting of cells, orientation, boundary facets, order along a curve.
curved: Curved cells of second and third order, subdivided into straight simplices.
elements: Reference cells: nodes, edges, polynomials.
crossings: Facets of a boundary that intersect or overlap.
plane: Meshes in a plane or on a line of space.
nearest: Nearest point of a closed surface, and on which side of it a point lies.
pick: Map from the unit cube onto the simplices, uniform by measure.
quality: Smallest angle and aspect ratio of the cells.
"""
