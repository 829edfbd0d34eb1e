# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Geometry from a mesh
#
# **Purpose.** Your geometry exists already, as a mesh file. This notebook reads one, states conditions by the
# tags in it, solves, and asks: *does the answer agree with an ordinary finite-element solution on the same
# mesh?* That solution is computed here, by SciPy, in thirty lines that share nothing with the library.
#
# The notebook takes less than a minute on two processor cores. It assumes `01_first_pde`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyvista
from IPython.display import Image
from matplotlib.collections import LineCollection
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from sapts_pinn import Dirichlet, Neumann, Problem, Robin, solve
from sapts_pinn.geometry import Mesh, example_mesh

# %% [markdown]
# ## 7.1 Look at the mesh
#
# `Mesh(path)` reads what meshio and PyVista read: `.msh` of Gmsh, `.vtu`, `.stl`, `.inp`, `.bdf` and others.
# The groups of the file that lie on its boundary become faces, by name. `example_mesh` is the path of a file
# that comes with the library; put yours in its place.

# %%
plate = Mesh(example_mesh("plate-with-holes"))
print(plate)

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
axes.triplot(*plate.points.T, plate.cells, color="0.75", lw=0.6)
for number, (face, colour) in enumerate(zip(plate.faces, ("tab:red", "tab:green", "tab:blue"), strict=True)):
    edges = plate.points[plate.facets[plate.facet_tags == number]]
    axes.add_collection(LineCollection(edges, colors=colour, linewidths=2.5, label=face))
axes.set(aspect="equal", xlabel="$x$", ylabel="$y$")
figure.legend(loc="outside right upper")
plt.show()

# %% [markdown]
# **When the file has no groups**, everything is one face, "boundary". `retagged` names faces by functions of
# the centres of their edges:

# %%
print(plate.retagged(right=lambda x, y: x > 2 - 1e-9))

# %% [markdown]
# **When there is no file**, `Mesh.from_arrays` takes points, cells and tagged edges as arrays:

# %%
corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
print(Mesh.from_arrays(corners, [[0, 1, 2], [0, 2, 3]], tags={"floor": [[0, 1]], "lid": [[2, 3]]}))

# %% [markdown]
# ## 7.2 A condition for each tag
#
# Two hot pipes lead through a plate. Its outer edge is cooled by the air, and the slot is insulated:
#
# $$
# \Delta u=0,\qquad
# u=1\ \text{on } \textit{holes},\qquad
# \frac{\partial u}{\partial n}=0\ \text{on } \textit{slot},\qquad
# u+\frac{\partial u}{\partial n}=0\ \text{on } \textit{outer}.
# $$
#
# A condition names its face with `on`; a face that the mesh does not have is refused, with the names of those
# it has. On a mesh all conditions are weighted terms of the loss: there is no formula for its boundary that
# would build them into the network. The weights are found in training, so that all terms are learned equally
# fast; `print(solution)` shows them, and `weight=100` in a condition would fix one.

# %%
problem = Problem(
    domain=plate,
    unknowns="u",
    equation=lambda u: u.xx + u.yy,
    conditions=[
        Dirichlet("u", 1.0, on="holes"),
        Neumann("u", 0.0, on="slot"),
        Robin("u", 0.0, on="outer"),
    ],
    name="cooled plate",
)
try:
    Problem(plate, "u", lambda u: u.xx + u.yy, [Dirichlet("u", 1.0, on="hole")])
except ValueError as error:
    print(error)

# %%
solution = solve(problem, budget="9000 evaluations", network=(20, 20), points=2048, condition_points=512)
print(solution)

# %% [markdown]
# `plot` draws on the mesh itself, with the tagged boundary around it: the values, the residual of the
# equation, how far the conditions are missed, and the estimated error, which the summary says is not to be
# relied on here. A residual is made of second derivatives and looks rough where the solution is smooth. What
# it means for the error is not to be seen in it; so let us compute that.

# %%
Image(solution.plot("plate.png"), width=900)

# %% [markdown]
# ## 7.3 Finite elements, for comparison
#
# Multiply by a test function $v$ that vanishes on *holes*, and integrate by parts; the conditions on *slot*
# and *outer* enter by themselves:
#
# $$
# \int_\Omega \nabla u\cdot\nabla v\,\mathrm{d}x + \int_{\textit{outer}} u\,v\,\mathrm{d}s = 0 .
# $$
#
# With hat functions on the triangles this is a sparse linear system. `divided` cuts each triangle into four,
# `elements` solves.


# %%
def divided(points, cells, edges):
    """Each triangle in four, each boundary edge in two; the new points follow the old ones."""
    sides = np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [1, 2]], cells[:, [2, 0]]]), axis=1)
    sides, number = np.unique(sides, axis=0, return_inverse=True)
    middle = {tuple(side): len(points) + i for i, side in enumerate(sides.tolist())}
    a, b, c = cells.T
    ab, bc, ca = len(points) + number.reshape(3, -1)
    cells = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    for face, ends in edges.items():
        halves = np.array([middle[tuple(sorted(end))] for end in ends.tolist()])
        edges = edges | {face: np.concatenate([np.stack([e, halves], 1) for e in ends.T])}
    return np.concatenate([points, points[sides].mean(1)]), cells, edges


def elements(points, cells, edges):
    """The finite-element solution [P] with hat functions on these triangles."""
    count, corner = len(points), points[cells]
    opposite = corner[:, [2, 0, 1]] - corner[:, [1, 2, 0]]
    (ax, ay), (bx, by) = opposite[:, 0].T, opposite[:, 1].T
    area = (ax * by - ay * bx) / 2
    stiffness = np.einsum("cid,cjd->cij", opposite, opposite) / (4 * area[:, None, None])
    cooled = edges["outer"]
    length = np.linalg.norm(points[cooled[:, 1]] - points[cooled[:, 0]], axis=1)
    mass = length[:, None, None] * np.array([[2, 1], [1, 2]]) / 6
    rows = np.concatenate([np.repeat(cells, 3, 1).ravel(), np.repeat(cooled, 2, 1).ravel()])
    columns = np.concatenate([np.tile(cells, 3).ravel(), np.tile(cooled, 2).ravel()])
    entries = np.concatenate([stiffness.ravel(), mass.ravel()])
    matrix = coo_array((entries, (rows, columns)), shape=(count, count)).tocsc()
    u = np.zeros(count)
    u[edges["holes"]] = 1.0
    free = np.setdiff1d(np.arange(count), edges["holes"])
    u[free] = spsolve(matrix[free][:, free], -(matrix @ u)[free])
    return u


grid = plate.points, plate.cells, {f: plate.facets[plate.facet_tags == i] for i, f in enumerate(plate.faces)}
levels = []
for _ in range(4):
    levels.append(elements(*grid))
    finest, grid = grid, divided(*grid)
points, cells, edges = finest
reference = levels[-1]
for u in levels[:-1]:
    off = np.linalg.norm(u - reference[: len(u)]) / np.linalg.norm(reference[: len(u)])
    print(f"{len(u):6,} points: differs by {off:.1e} from {len(reference):,} points")

# %% [markdown]
# The differences fall by a factor of three to four at every division, as they should, so that the finest
# solution is right to about four digits: enough to judge the network by.

# %%
x, y = points.T
found = solution.predict({"x": x, "y": y})

figure, axes = plt.subplots(1, 2, figsize=(11, 3), layout="constrained", sharey=True)
drawn = [
    (reference, "finite elements", {"cmap": "viridis"}),
    (
        np.abs(found - reference),
        "|network - finite elements|",
        {"cmap": "magma", "norm": "log", "vmin": 1e-5},
    ),
]
for axis, (values, title, how) in zip(axes, drawn, strict=True):
    image = axis.tripcolor(x, y, cells, np.maximum(values, 1e-9), shading="gouraud", rasterized=True, **how)
    figure.colorbar(image, ax=axis)
    axis.set(aspect="equal", xlabel="$x$", title=title)
axes[0].set_ylabel("$y$")
plt.show()

# %% [markdown]
# An engineer would ask for a number: how much heat does the plate lose to the air, $\int_{\textit{outer}}
# u\,\mathrm{d}s$? Every edge counts with its length.

# %%
outer = edges["outer"]
length = np.linalg.norm(points[outer[:, 1]] - points[outer[:, 0]], axis=1)
for name, u in {"network": found, "finite elements": reference}.items():
    print(f"heat lost, {name}: {(length * u[outer].mean(1)).sum():.4f}")

# %% [markdown]
# ## 7.4 Take it along
#
# `export` writes the mesh with the fields on its own points, for ParaView and whatever else reads `.vtu`.

# %%
written = pyvista.read(solution.export("plate.vtu"))
print(f"{written.n_points} points, {written.n_cells} cells, fields {', '.join(written.point_data)}")
assert np.allclose(written["u"], solution.predict({"x": written.points[:, 0], "y": written.points[:, 1]}))
print(f"{Path('plate.vtu').stat().st_size / 1024:.0f} KiB")

# %%
print(f"final error: {solution.error({'x': x, 'y': y}, reference):.2e}")

# %% [markdown]
# ## 7.5 What to try
#
# * **Fixed weights**: give all three conditions `weight=1`, then `weight=10_000`. When does the boundary
#   suffer, when the inside?
# * **A mesh in space**: `example_mesh("cylinder")` has the faces inlet, outlet and wall; `plot` adds
#   sections, a cutaway and surfaces of equal value.
# * **In time**: `domain=plate * Time(0, 1)` with an `Initial` condition, then
#   `solution.animate("plate.gif")`.
# * **Your own file.** What `Mesh` cannot use — a surface that is open, cells without area — it says in one
#   sentence.
