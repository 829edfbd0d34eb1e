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
# # 1. Your first PDE
#
# **Purpose.** We take one equation from its statement in a paper to a solution whose error is known: write
# it down, read what the library found in it, train, look, measure, understand the curves of the training,
# and keep the result.
#
# The notebook takes about a minute on two processor cores. The next one, `02_your_own_equation`, leaves the
# textbook example behind.

# %%
from math import pi
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Image

from sapts_pinn import Dirichlet, Initial, Problem, Solution, solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.optim import TrustRegion
from sapts_pinn.problems import references

# %% [markdown]
# ## 1.1 The equation
#
# The viscous Burgers equation is the smallest model of a shock wave that viscosity keeps from breaking:
#
# $$
# u_t + u\,u_x = \nu\,u_{xx}, \qquad x\in[-1,1],\quad t\in[0,1],\quad \nu = \frac{0.01}{\pi},
# $$
# $$
# u(-1,t) = u(1,t) = 0, \qquad u(x,0) = -\sin \pi x .
# $$
#
# The quantity $u$ moves with velocity $u$. To the left of the origin it is positive and moves right, to the
# right it is negative and moves left, so the two halves of the sine run into each other. At $t = 1/\pi$
# they would collide; viscosity holds them apart in a layer at $x=0$ whose width is of the order of $\nu$.
# Inside, the slope $u_x$ reaches $-152$. One uniformly drawn point in a hundred falls into that strip: this
# is what makes a small equation hard.
#
# ## 1.2 What a physics-informed network does
#
# A neural network $u_\theta(x,t)$ with parameters $\theta\in\mathbb R^n$ is a smooth function of its
# inputs, and its derivatives are known exactly. Insert it into the equation; what is left over is the
# **residual**
#
# $$
# r(\theta; x, t) = \partial_t u_\theta + u_\theta\,\partial_x u_\theta - \nu\,\partial_{xx} u_\theta ,
# $$
#
# and training means making it small at many **collocation points** $(x_i,t_i)$:
#
# $$
# f(\theta) = \frac1N\sum_{i=1}^{N} \tfrac12\, r(\theta;x_i,t_i)^2 \;\longrightarrow\; \min .
# $$
#
# No data enter. Conditions that cannot be built into $u_\theta$ would add terms of the same form.

# %% [markdown]
# ## 1.3 Writing the problem down
#
# A `Problem` has a domain, unknowns, equations and conditions. Derivatives are attributes named after the
# coordinates: `u.t`, `u.xx`, `u.xt`. The equation is a function that returns what must vanish. `Time` is an
# interval that knows it has a beginning, so that `Initial` has a place to hold.
#
# The reference is optional and is never used for training. Here it is the Cole–Hopf formula, evaluated by
# quadrature; it lets us say how wrong the network really is.

# %%
nu = 0.01 / pi

burgers = Problem(
    domain=Interval(-1, 1, name="x") * Time(0, 1),
    unknowns="u",
    equation=lambda u: u.t + u * u.x - nu * u.xx,
    conditions=[
        Dirichlet("u", 0.0, on="x"),
        Initial("u", lambda x: -torch.sin(pi * x)),
    ],
    reference=references.burgers(nu),
    name="burgers",
)
print(burgers)

# %% [markdown]
# Constructing the problem has already done some mathematics, and the printout says what:
#
# * **Conditions: exact, by construction.** Both conditions are part of the form of $u_\theta$, whatever the
#   parameters. No training is spent on them, and there is no weight to choose between "equation" and
#   "boundary".
# * **Symmetry.** The substitution $x\to-x,\ u\to-u$ leaves equation and conditions unchanged, so the
#   solution is odd in $x$, about the middle and about both ends. This was found by a numerical test, by
#   applying reflections to random smooth functions and comparing residuals. It is built in too: the network
#   need not learn what is known.
# * **Network of.** What the network $N$ sees: $\cos\pi x$ instead of $x$, and $t$.
#
# Put together, the ansatz is
#
# $$
# u_\theta(x,t) = -\sin\pi x + \tfrac12\,t\,\sin\pi x\;N_\theta\bigl(\cos \pi x,\ 2t-1\bigr),
# $$
#
# which is odd about $-1$, $0$ and $1$, vanishes at $x=\pm1$ and equals $-\sin\pi x$ at $t=0$ for *every*
# $\theta$.

# %% [markdown]
# ## 1.4 Solving
#
# There is no learning rate and no schedule to choose. The budget is wall time here; `"2000 iterations"` or
# `"5000 evaluations"` work as well. `out=` names a run folder, which section 1.9 comes back to. The
# defaults are a $\tanh$ network with three hidden layers of 30 units, 8,192 collocation points that are
# partly redrawn where the residual is large, and double precision. The method is chosen by the size of the
# problem, which the summary tells: here `sapts-d`, a trust region (section 1.7) with parts of the points
# (tutorial 3).

# %%
solution = solve(burgers, budget="30s", seed=0, out="runs/burgers", overwrite=True)
print(solution)

# %% [markdown]
# ## 1.5 Looking
#
# `solution.plot` writes a picture: the solution, the reference and the error, on a logarithmic scale.

# %%
Image(solution.plot("runs/burgers/solution.png"), width=900)

# %% [markdown]
# ## 1.6 Measuring
#
# The loss is not the error. It measures how well the equation holds at the points, not how far $u_\theta$
# is from $u$; for an equation with an unstable direction the two can differ by orders of magnitude. So
# measure:
#
# $$
# \text{relative } L_2 \text{ error} = \frac{\lVert u_\theta-u\rVert}{\lVert u\rVert} .
# $$
#
# `solution.error()` does so against the problem's reference; `solution.error(points, values)` against data
# of your own. A reference has an error as well; never trust a figure below it.

# %%
print(f"relative L2 error        {solution.error():.1e}")
print(f"the reference's own      {burgers.reference.accuracy:.0e}   ({burgers.reference.source})")

x = np.linspace(-1, 1, 2001)
for t in (0.25, 0.5, 0.75, 1.0):
    points = {"x": x, "t": t}
    exact = solution.reference(points)["u"]
    print(f"t = {t:4.2f}: largest error {abs(solution.predict(points) - exact).max():.1e}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for t in (0.0, 0.25, 0.5, 1.0):
    axes[0].plot(x, solution.predict({"x": x, "t": t}), label=f"t = {t:g}")
axes[0].set(xlabel="x", ylabel="u", title="The wave steepens")
axes[0].legend()
near = np.linspace(-0.03, 0.03, 401)
axes[1].plot(near, solution.predict({"x": near, "t": 0.5}), lw=2, label="network")
axes[1].plot(near, solution.reference({"x": near, "t": 0.5})["u"], "k--", lw=1, label="reference")
axes[1].set(xlabel="x", title="Inside the layer, t = 0.5")
axes[1].legend()
plt.show()

# %% [markdown]
# ## 1.7 What a trust region does
#
# Gradient descent asks *in which direction* and leaves *how far* to a learning rate. A trust-region method
# asks a different question. Around the current $\theta$ it keeps a quadratic **model** of the loss,
#
# $$
# m(s) = g^\mathsf{T} s + \tfrac12\, s^\mathsf{T} B s \;\approx\; f(\theta+s)-f(\theta),
# \qquad g = \nabla f(\theta),
# $$
#
# where $B$ approximates the second derivatives, learned from the gradients seen so far. The model is good
# nearby and worthless far away. So the step minimises it only within a **radius** $\Delta$,
#
# $$
# s = \operatorname*{arg\,min}_{\lVert s\rVert\le\Delta} m(s),
# $$
#
# and afterwards the model is held to its promise:
#
# $$
# \rho = \frac{\text{what the loss did}}{\text{what the model promised}}
# = \frac{f(\theta)-f(\theta+s)}{-m(s)} .
# $$
#
# * $\rho\approx1$: the model was right. If the step was held back by the radius, the radius doubles.
# * $\rho<\tfrac14$: the model promised too much. The radius shrinks.
# * $\rho\le0$: the loss did not fall. The step is **rejected**: the parameters are put back bit for bit,
#   and a shorter one is tried. The loss never rises, so there is no divergence to guard against.
#
# The radius takes the place of the learning rate, and it sets itself. Two parameters are enough to watch
# it. The same optimizer works with any PyTorch closure; here it descends into the curved valley of
# Rosenbrock's function.


# %%
def rosenbrock(a, b):
    return (1 - a) ** 2 + 20 * (b - a**2) ** 2


theta = torch.nn.Parameter(torch.tensor([-1.5, 1.5], dtype=torch.float64))
optimizer = TrustRegion([theta], curvature="lsr1", radius=0.5)


def closure():
    optimizer.zero_grad()
    loss = rosenbrock(*theta)
    loss.backward()
    return loss


path, radii, rejected = [theta.detach().clone()], [], 0
while rosenbrock(*path[-1]) > 1e-12:
    radii.append(optimizer.radius)
    optimizer.step(closure)
    rejected += not optimizer.info["accepted"]
    path.append(theta.detach().clone())
print(f"{len(radii)} steps, {rejected} of them rejected; end at ({path[-1][0]:.6f}, {path[-1][1]:.6f})")

a, b = np.meshgrid(np.linspace(-2, 1.6, 300), np.linspace(-0.6, 2.4, 250))
figure, axis = plt.subplots(figsize=(6, 4.6), layout="constrained")
axis.contour(a, b, rosenbrock(a, b), levels=np.geomspace(0.05, 200, 14), colors="0.75", linewidths=0.7)
for centre, radius in zip(path, radii, strict=False):
    axis.add_patch(
        plt.Circle(tuple(centre.tolist()), radius, fill=False, color="tab:green", lw=0.6, alpha=0.6)
    )
axis.plot(*torch.stack(path).T.numpy(), "o-", color="tab:blue", ms=3, lw=1)
axis.plot(1, 1, "r*", ms=10)
axis.set(
    aspect="equal", xlim=(-2, 1.6), ylim=(-0.6, 2.4), title="Steps, and the radius trusted at each point"
)
plt.show()

# %% [markdown]
# The circles grow where the valley is straight and shrink in its bend. Several circles about one point are
# rejections: the step would have climbed the wall.
#
# The training of our network is the same in 1,981 dimensions. `method="tr"` takes such steps and no others,
# so we look at a short run of it. `history` holds a row for each recorded step. With the default curvature,
# lengths are measured in the model's own norm, $\lVert s\rVert_B^2 = s^\mathsf{T}Bs$. That makes the radius
# independent of the scale of the parameters, and it is of the size of the square root of the loss, which it
# follows on its way down.

# %%
history = solve(burgers, method="tr", budget="10s", seed=0).history
column = {
    name: np.array([np.nan if row[name] is None else row[name] for row in history], dtype=float)
    for name in ("seconds", "loss", "relative_l2_error", "radius", "rho", "accepted")
}
figure, axes = plt.subplots(3, 1, figsize=(8, 7), sharex=True, layout="constrained", height_ratios=[2, 1, 1])
seconds, measured = column["seconds"], np.isfinite(column["relative_l2_error"])
axes[0].semilogy(seconds, column["loss"], label="loss")
axes[0].semilogy(
    seconds[measured], column["relative_l2_error"][measured], "o-", ms=3, label="relative L2 error"
)
axes[0].legend()
axes[1].semilogy(seconds, column["radius"], color="tab:green")
axes[1].set_ylabel("radius")
for accepted, colour, label in ((1, "tab:blue", "accepted"), (0, "tab:red", "rejected")):
    these = column["accepted"] == accepted
    axes[2].plot(seconds[these], column["rho"][these].clip(-1, 2), ".", ms=4, color=colour, label=label)
for level in (0.25, 0.75):
    axes[2].axhline(level, color="0.8", lw=0.8, zorder=0)
axes[2].set(xlabel="seconds", ylabel="rho, cut off at -1 and 2", ylim=(-1.1, 2.1))
axes[2].legend(loc="upper right", ncols=2)
plt.show()
print(f"{np.mean(column['accepted'] == 1):.0%} of the recorded steps were accepted")

# %% [markdown]
# Loss and error fall together but not in parallel. The small jumps of the loss are no failures: from time
# to time half of the collocation points are redrawn where the residual is large, and on the new points the
# loss is another number.

# %% [markdown]
# ## 1.8 Using the solution
#
# Points are given by coordinate name; whatever broadcasts is allowed. `derivative` differentiates the
# network exactly. `residual` inserts it into the equation, and needs no reference: for an equation without
# one, this is the first thing to look at.

# %%
grid = {"x": np.linspace(-1, 1, 201)[:, None], "t": np.linspace(0, 1, 101)[None, :]}
print("shape of u on a grid:        ", solution.predict(grid).shape)
print("slope at the layer, t = 0.5: ", f"{solution.derivative({'x': 0.0, 't': 0.5}, 'x'):.2f}")
print("largest residual on the grid:", f"{abs(solution.residual(grid)).max():.1e}")
boundary = solution.predict({"x": np.array([-1.0, 1.0])[:, None], "t": grid["t"]})
start = solution.predict({"x": grid["x"], "t": 0.0}) + np.sin(pi * grid["x"])
print("largest |u| at x = -1 and 1: ", f"{abs(boundary).max():.0e}")
print("largest error at t = 0:      ", f"{abs(start).max():.0e}")

# %% [markdown]
# ## 1.9 Keeping it
#
# The run folder holds the settings, the history as CSV, the summary, and a checkpoint with the complete
# state of the training: parameters, curvature, radius, points and random generators.

# %%
solution.export("runs/burgers/solution.vtu")  # for ParaView; .vts and the formats of meshio work too
print(*sorted(path.name for path in Path("runs/burgers").iterdir()), sep="\n")

# %% [markdown]
# A solution can also be saved elsewhere, without the state of the training, and loaded again. A file cannot
# hold the lambdas of a problem, so `load` gets the problem from us (or from the zoo, when its name is
# there).

# %%
solution.save("runs/burgers-saved")
again = Solution.load("runs/burgers-saved", burgers)
print("same values:", np.array_equal(again.predict(grid), solution.predict(grid)))

# %% [markdown]
# And a run can go on. The budget counts from the very beginning: 45 s in all means 15 s more. Resuming is
# exact; a run that was interrupted and continued takes the same steps as one that was not.

# %%
longer = solve(burgers, budget="45s", seed=0, resume="runs/burgers")
print(longer)

# %% [markdown]
# The same from a shell, with the problem in a file of its own:
#
# ```sh
# sapts-pinn solve burgers.py --budget 30s --out runs/burgers
# sapts-pinn solve burgers.py --resume runs/burgers --budget 2min
# ```

# %%
print(f"final error: {longer.error():.2e}")

# %% [markdown]
# ## 1.10 What to try
#
# * **Take the symmetry away.** `Problem(..., symmetry=False)`, same budget. How much was it worth?
# * **Take the exact conditions away.** `Dirichlet("u", 0.0, on="x", hard=False)` makes the condition a term
#   of the loss with a weight of its own. Read the printout again: which symmetry has survived, and why?
# * **Other methods.** `method="adam"`, `"lbfgs"`, `"adam-lbfgs"` run through the same loop and the same
#   loss. `sapts-pinn list` names them all. Compare errors, not losses.
# * **Thinner and thicker layers.** `references.burgers` is good for $10^{-3}\le\nu\le0.2$. How does the
#   error depend on $\nu$ at equal time?
# * **More points, larger networks.** `solve(..., points=16384, network=(30, 30, 30))`. When does it pay?
