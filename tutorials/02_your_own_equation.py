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
# # 2. Your own equation
#
# **Purpose.** Equations of your own rarely live on an interval with a formula in the literature. This
# notebook builds problems that are in no zoo: a coefficient that varies in space, a domain with a hole, a
# Robin condition, two coupled unknowns, a parameter that only measurements know. For each of them we ask
# the same question: *how wrong is the result, and how do we know?*
#
# The notebook takes about a minute on two processor cores. It assumes `01_first_pde`.

# %%
from math import log, pi

import numpy as np
import torch
from IPython.display import Image
from scipy.fft import dct, idct
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from sapts_pinn import Coefficient, Dirichlet, Initial, Neumann, Observations, Problem, Robin, solve
from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time

# %% [markdown]
# ## 2.1 A pipe that loses heat
#
# Hot water flows through a pipe. Its wall is the ring between the radii $a = 0.4$ and $1$; the inside has
# the temperature of the water, $u=1$; the outside gives heat to air of temperature $0$ at a rate
# proportional to its own. A current heats the wall itself, and the wall conducts better towards the
# outside, $k = 1 + r^2$:
#
# $$
# -\nabla\cdot(k\,\nabla u) = 1, \qquad u = 1 \ \text{ on } r=a,
# \qquad k\,\frac{\partial u}{\partial n} + h\,u = 0 \ \text{ on } r=1,\quad h=2 .
# $$
#
# **The domain** is a set operation: `|`, `&` and `-` combine shapes. Tags name the two circles, so that
# conditions can tell them apart.
#
# **The equation** may ask for coordinates besides unknowns; arguments are matched by name. The divergence is
# multiplied out here, $\nabla\cdot(k\nabla u) = k\,(u_{xx}+u_{yy}) + k_x u_x + k_y u_y$ with $k_x = 2x$,
# $k_y = 2y$; `div(k * grad(u))`, from `sapts_pinn.problems`, means the same.
#
# **The reference.** In this geometry $u$ depends on $r$ alone, $-(r k u')' = r$, and two integrations give
#
# $$
# u = c\,\Bigl(\ln r - \tfrac12\ln(1+r^2)\Bigr) - \tfrac14\ln(1+r^2) + d ,
# $$
#
# with $c$ and $d$ from the two conditions. The network does not know that the problem is radial; it sees
# $x$ and $y$.

# %%
a, h = 0.4, 2.0


def k(x, y):
    return 1 + x**2 + y**2


def shape(r2):
    return 0.5 * np.log(r2 / (1 + r2))


# Rows: u = 1 at r = a;  k u' + h u = 0 at r = 1, where k = 2 and u' = (c - 1/2) / 2.
matrix = np.array([[shape(a**2), 1.0], [1.0 + h * shape(1.0), h]])
right = np.array([1 + 0.25 * log(1 + a**2), 0.5 + h * 0.25 * log(2)])
c, d = np.linalg.solve(matrix, right)


def exact(x, y):
    r2 = x**2 + y**2
    return 0.5 * c * torch.log(r2 / (1 + r2)) - 0.25 * torch.log1p(r2) + d


pipe = Problem(
    domain=Ball((0, 0), 1.0, tag="outside") - Ball((0, 0), a, tag="inside"),
    unknowns="u",
    equation=lambda u, x, y: k(x, y) * (u.xx + u.yy) + 2 * x * u.x + 2 * y * u.y + 1,
    conditions=[
        Dirichlet("u", 1.0, on="inside"),
        Robin("u", 0.0, on="outside", alpha=h, beta=k),  # alpha u + beta du/dn = value
    ],
    reference=exact,
    name="pipe",
)
print(pipe)

# %% [markdown]
# The value on the inner circle is part of the form of $u_\theta$, and holds exactly. For the condition on the
# outer one, which mixes value and slope, there is no construction: it is a **weighted term**. Its residual on
# points of the circle joins the loss,
#
# $$
# f(\theta) = \underbrace{\tfrac1N\sum\tfrac12 r^2}_{\text{equation}}
# + w\,\underbrace{\tfrac1M\sum\tfrac12 (k\,\partial_n u_\theta + h u_\theta)^2}_{\text{outside}} .
# $$
#
# The weight is chosen so that the condition is learned as fast as the equation, at the start and now and then
# later; the summary of a run has the last one. `weight=` of a condition fixes it.

# %%
warm = solve(pipe, budget="300 evaluations", seed=0)
print(warm)
Image(warm.plot("pipe.png"), width=900)

# %% [markdown]
# **A check that needs no formula.** In a steady state the heat that is produced leaves through the
# boundary: $-\oint k\,\partial_n u = \int 1$. Integrate over the circles, where the mean over equally
# spaced points is accurate to rounding. Had we moved the hole off the centre, there would be no formula,
# but still this balance.

# %%
angle = np.linspace(0, 2 * pi, 400, endpoint=False)


def outflow(r, sign):
    circle = {"x": r * np.cos(angle), "y": r * np.sin(angle)}
    slope = sign * (
        np.cos(angle) * warm.derivative(circle, "x") + np.sin(angle) * warm.derivative(circle, "y")
    )
    return -2 * pi * r * np.mean((1 + r**2) * slope)


produced, leaving = pi * (1 - a**2), outflow(1.0, +1) + outflow(a, -1)
print(f"heat produced {produced:.6f}, leaving {leaving:.6f}: {abs(leaving / produced - 1):.1e} is missing")

# %% [markdown]
# ## 2.2 Exact or weighted: forcing the choice
#
# On an interval, a box, also one with round holes, in time, and for numbers on balls, values can be built
# into the form of $u_\theta$. By default they are; `hard=False` makes a weighted term of them, `hard=True`
# insists. What is it worth? Laplace's equation on the unit square, with the values of a harmonic function
# on the boundary:
#
# $$
# u_{xx}+u_{yy} = 0, \qquad u = \sin \pi x\,\frac{\sinh \pi y}{\sinh\pi} \ \text{ on the boundary.}
# $$


# %%
def harmonic(x, y):
    return torch.sin(pi * x) * torch.sinh(pi * y) / np.sinh(pi)


for hard in (None, False):
    square = Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns="u",
        equation=lambda u: u.xx + u.yy,
        conditions=[Dirichlet("u", harmonic, hard=hard)],
        reference=harmonic,
        name=f"square, hard={hard}",
    )
    print(square)
    solution = solve(square, budget="300 evaluations", points=2048, progress=False)
    print(f"  error after 300 gradients: {solution.error():.1e}\n")

# %% [markdown]
# The exact form interpolates between the four sides and adds $(1-\xi^2)(1-\eta^2)\,N_\theta$, which
# vanishes there. It is used only where it does no harm. Data that jump in a corner, or are not smooth on a
# periodic domain, would put their kink into $u_\theta$ for good; then a weighted term is taken, and
# `print(problem)` says why.
#
# On polygons conditions are weighted terms, but corners get help. At a re-entrant corner of angle
# $\omega>\pi$ the solution behaves like $r^{\pi/\omega}$, and its gradient is unbounded: no smooth network
# can follow. The singular function becomes an input of the network, the right one for the conditions on the
# two edges:

# %%
bracket = Problem(
    domain=Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]),
    unknowns="u",
    equation=lambda u: u.xx + u.yy + 1,
    conditions=[
        Dirichlet("u", 0.0, on=["edge0", "edge1", "edge4", "edge5"]),
        Neumann("u", 0.0, on=["edge2", "edge3"]),  # the two edges that meet at the inner corner are insulated
    ],
    name="bracket",
)
print(bracket)

# %% [markdown]
# ## 2.3 Two unknowns
#
# Prey $p$ and predators $q$ on a strip. Both spread by diffusion; prey multiply, predators eat them, nobody
# leaves:
#
# $$
# p_t = 0.02\,p_{xx} + 2p\,(1-q), \qquad q_t = 0.01\,q_{xx} + 2q\,(p-1),
# \qquad p_x = q_x = 0 \text{ at both ends.}
# $$
#
# `unknowns` becomes a tuple, and the equation returns one expression for each equation.

# %%
strip = Problem(
    domain=Interval(0, 1) * Time(0, 4),
    unknowns=("p", "q"),
    equation=lambda p, q: (
        p.t - 0.02 * p.xx - 2 * p * (1 - q),
        q.t - 0.01 * q.xx - 2 * q * (p - 1),
    ),
    conditions=[
        Neumann("p", on="x"),
        Neumann("q", on="x"),
        Initial("p", lambda x: 1 + 0.5 * torch.cos(pi * x)),
        Initial("q", 0.5),
    ],
    name="predators and prey",
)
print(strip)

# %% [markdown]
# A Neumann condition has no construction on an interval in general. Here the symmetry test found one: with
# a vanishing derivative at both ends the solution continues evenly beyond them, and a network that sees
# $\cos\pi x$ in place of $x$ has zero slope there, always.

# %%
populations = solve(strip, budget="400 evaluations", seed=0)
print(populations)
Image(populations.plot("strip.png"), width=700)

# %% [markdown]
# There is no formula. A **semi-analytical reference** does: expand in cosines, which reduces the equations
# to a system of ordinary ones, and integrate that with a solver whose tolerance we choose. Such a reference
# has to prove itself first, by agreeing with a finer one.


# %%
def by_cosines(modes, times):
    number = np.arange(modes)
    x = (number + 0.5) / modes

    def laplacian(values):
        return idct(-((pi * number) ** 2) * dct(values, type=2), type=2)

    def rate(t, state):
        p, q = np.split(state, 2)
        return np.concatenate([0.02 * laplacian(p) + 2 * p * (1 - q), 0.01 * laplacian(q) + 2 * q * (p - 1)])

    start = np.concatenate([1 + 0.5 * np.cos(pi * x), np.full(modes, 0.5)])
    run = solve_ivp(rate, (0, times[-1]), start, method="LSODA", t_eval=times, rtol=1e-11, atol=1e-12)
    p, q = np.split(run.y, 2)
    return x, {"p": p, "q": q}


times = np.linspace(0, 4, 81)
x, reference = by_cosines(32, times)
_, finer = by_cosines(
    96, times
)  # three times as many points: every third one is common, starting from the second
print(f"reference changes by    {max(abs(finer[name][1::3] - reference[name]).max() for name in 'pq'):.0e}")
print(f"relative L2 error       {populations.error({'x': x[:, None], 't': times[None, :]}, reference):.1e}")

# %% [markdown]
# ## 2.4 A parameter that only measurements know
#
# A rod cools by conduction and by loss to its surroundings. Neither rate is known, but 80 thermometer
# readings are, each with a random error of standard deviation $\sigma = 0.01$:
#
# $$
# u_t = D\,u_{xx} - r\,u, \qquad u(0,t)=u(1,t)=0,\qquad u(x,0) = \sin\pi x+\tfrac12\sin3\pi x .
# $$
#
# A `Coefficient` is trained together with the network. `Observations` add $\tfrac{w}{M}\sum_j \tfrac12
# (u_\theta(x_j,t_j)-y_j)^2$ to the loss.
#
# To judge the answer we make the readings ourselves, with $D=0.02$ and $r=0.5$, from the exact solution.
# The network cannot do better than statistics allow, so the yardstick is not zero error: it is the
# least-squares fit of the *exact* solution to the same readings, and the standard error that the noise
# implies.

# %%
true, sigma = np.array([0.02, 0.5]), 0.01
rng = np.random.default_rng(1)
xs, ts = rng.uniform(0, 1, 80), rng.uniform(0, 2, 80)


def rod_exact(parameters, x=xs, t=ts):
    D, r = parameters
    slow, fast = np.exp(-(pi**2 * D + r) * t), np.exp(-(9 * pi**2 * D + r) * t)
    return np.sin(pi * x) * slow + 0.5 * np.sin(3 * pi * x) * fast


readings = rod_exact(true) + sigma * rng.standard_normal(80)

rod = Problem(
    domain=Interval(0, 1) * Time(0, 2),
    unknowns="u",
    equation=lambda u, D, r: u.t - D * u.xx + r * u,
    conditions=[
        Dirichlet("u", 0.0),
        Initial("u", lambda x: torch.sin(pi * x) + 0.5 * torch.sin(3 * pi * x)),
        Observations("u", {"x": xs, "t": ts}, readings, weight=0.01),
    ],
    coefficients=[Coefficient("D", init=0.1), Coefficient("r", init=0.1)],
    name="rod",
)
found = solve(rod, budget="800 evaluations", points=2048, seed=0).coefficients

fit = least_squares(lambda parameters: rod_exact(parameters) - readings, [0.1, 0.1])
error = sigma * np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)))
print("    true    network    exact fit   standard error")
for i, name in enumerate("Dr"):
    print(f"{name}   {true[i]:.3f}   {found[name]:.5f}    {fit.x[i]:.5f}     {error[i]:.5f}")

# %% [markdown]
# The network agrees with the fit of the exact solution to a small part of the standard error. What
# separates it from the truth is the noise of the readings, which no method can remove.
#
# The weight of the observations is a choice with a meaning. With a small one the equation is obeyed first.
# With a large one the network would rather bend the equation than miss a reading, and begins to fit noise:
# try `weight=1`, and see what the summary says then.

# %% [markdown]
# ## 2.5 When something is wrong
#
# Everything is checked when the problem is made, before any training. A mistake raises `ValueError` with
# one sentence that names what is wrong, and what would be right:


# %%
def attempt(make):
    try:
        make()
    except ValueError as error:
        print(f"- {error}\n")


def heat(equation=lambda u: u.t - u.xx, conditions=(), domain=None):
    domain = Interval(0, 1) * Time(0, 1) if domain is None else domain
    return Problem(domain=domain, unknowns="u", equation=equation, conditions=conditions)


attempt(lambda: heat(equation=lambda u: u.t - u.yy))
attempt(lambda: heat(equation=lambda u, nu: u.t - nu * u.xx))
attempt(lambda: heat(equation=lambda u, x: u.t - u.xx + np.sin(x)))
attempt(lambda: heat(conditions=[Dirichlet("u", 0.0, on="x=2")]))
attempt(lambda: heat(conditions=[Dirichlet("v", 0.0)]))
attempt(lambda: heat(equation=lambda u: u.x, domain=Polygon([(0, 0), (2, 2), (2, 0), (0, 1)])))
attempt(
    lambda: Problem(
        domain=pipe.domain,
        unknowns="u",
        equation=lambda u: u.xx + u.yy,
        conditions=[Dirichlet("u", 0.0, hard=True)],
    )
)
attempt(lambda: solve(heat(), budget="2 minuts"))
attempt(lambda: solve(heat(), method="adm"))

# %% [markdown]
# Conditions may also contradict each other. That is a warning, not an error, because a jump between initial
# and boundary values is common in physics; the message gives its size and what was done about it.

# %%
quenched = heat(conditions=[Dirichlet("u", 0.0, on="x"), Initial("u", 1.0)])
print(quenched)

# %%
print(f"final error: {warm.error():.2e}")

# %% [markdown]
# ## 2.6 What to try
#
# * **Move the hole**: `Ball((0.3, 0), 0.4, tag="inside")`. The formula is gone; use the heat balance, and
#   compare two seeds. Where they differ by $\delta$, at least one is wrong by $\delta/2$.
# * **Make a solution up.** Choose any smooth $u^*$, compute $f=-\nabla\cdot(k\nabla u^*)$ and its boundary
#   values, and solve with these. This *manufactured solution* tests the whole chain, on any domain.
# * **Stronger predators**: replace the 2 in the equations by 6 and $T=4$ by $8$. When does the accuracy
#   break down, and does the residual show it?
# * **A second shape**: `Box((-1, -1), (1, 1)) & Ball((0, 0), 1.2)` is a square with rounded corners.
# * **Weights**: solve the pipe with `weight=1` and `weight=1000` for the outer condition. What do error and
#   heat balance say?
