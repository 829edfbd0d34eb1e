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
# # 12. A curvature model of your own
#
# **Purpose.** A trust-region method is a loop around one question: *where is the quadratic model*
#
# $$
# m(s) = g\cdot s + \tfrac12\, s\cdot B s
# $$
#
# *least within the radius?* What it takes for $B$ makes the method. This notebook writes two models of its
# own, a number and a diagonal, gives them to `solve` by name, and measures them against those of the package.
#
# The notebook takes about a minute on two processor cores. It assumes `01_first_pde`.

# %%
import math

import matplotlib.pyplot as plt
import torch
from IPython.display import Image

from sapts_pinn import problems, solve
from sapts_pinn.optim import TrustRegion
from sapts_pinn.optim.curvature import CURVATURES, Curvature, Step

# %% [markdown]
# ## 12.1 A number: Barzilai and Borwein
#
# The cheapest curvature is a multiple of the identity, $B = \gamma I$. Barzilai and Borwein (1988) take it
# from the last step $s$ and the change of the gradient along it, $y$: the secant equation $Bs = y$ has no
# solution with one number, but least squares gives $\gamma = y\cdot y / s\cdot y$ for its inverse.
#
# A model is a subclass of `Curvature` with two methods. `mv` is the product $Bv$. `solve` minimises $m$ over
# the ball: here along $-g$, to the minimum at $\lVert g\rVert/\gamma$ or to the boundary, whichever comes
# first. It returns the step, the reduction $-m(s)$ that it promises, and whether the radius was in the way.
# A model that learns has `update`, too, and says what a checkpoint must hold.


# %%
class BarzilaiBorwein(Curvature):
    """B = gamma I, gamma = y.y / s.y of the last pair."""

    learns = True

    def __init__(self):
        self.gamma = 0.0

    def mv(self, v):
        return self.gamma * v

    def solve(self, g, radius):
        norm = float(g.norm())
        if not (norm > 0 and math.isfinite(norm)):  # nothing to do, or nothing that can be done
            return Step(torch.zeros_like(g), 0.0 if norm == 0 else math.nan, False, 0.0)
        inside = self.gamma * radius > norm
        length = norm / self.gamma if inside else radius
        predicted = length * norm - 0.5 * self.gamma * length**2
        return Step(-length / norm * g, predicted, not inside, length)

    def update(self, s, y):
        if not float(s @ y) > 0:  # negative curvature along s: a number cannot say that
            return False
        self.gamma = float(y @ y) / float(s @ y)
        return True

    def state_dict(self):
        return {"gamma": self.gamma}

    def load_state_dict(self, state):
        self.gamma = state["gamma"]


CURVATURES["barzilai-borwein"] = BarzilaiBorwein

# %% [markdown]
# On a quadratic with curvatures 1, 3 and 10 it has to find the minimum. `TrustRegion` is a
# `torch.optim.Optimizer`; a row of the table `CURVATURES` makes the name known to it, and to `solve`.

# %%
x = torch.nn.Parameter(torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64))
curvatures = torch.tensor([1.0, 3.0, 10.0], dtype=torch.float64)
optimizer = TrustRegion([x], "barzilai-borwein")


def closure():
    optimizer.zero_grad()
    loss = 0.5 * (curvatures * x * x).sum()
    loss.backward()
    return loss


for _ in range(40):
    loss = optimizer.step(closure)
print(f"loss after 40 steps: {float(loss):.1e}")

# %% [markdown]
# ## 12.2 A diagonal that sees the residuals
#
# The loss of a PINN is a sum of squares, $f = \tfrac12\lVert r\rVert^2$, and its Gauss–Newton matrix is
# $J^\top J$. Its diagonal, the squared lengths of the columns of $J$, is the preconditioner of Jacobi. A
# model that asks for the Jacobian says `linearises = True` and gets an evaluation of the objective at every
# new point, in `prepare`.
#
# For a diagonal $D$ the step solves $(D + \lambda I)s = -g$, where $\lambda\ge 0$ is 0 or makes the step as
# long as the radius. Bisection of $\lambda$ is enough here: the step gets shorter as $\lambda$ grows.


# %%
class Diagonal(Curvature):
    """B = diag(J^T J)."""

    linearises = True

    def __init__(self):
        self.d = None

    def prepare(self, evaluation):
        self.d = evaluation.least_squares().jacobian().square().sum(0)

    def mv(self, v):
        return self.d * v

    def solve(self, g, radius):
        low, high = 0.0, float(g.norm()) / radius  # at `high` every step is short enough
        d = self.d.clamp_min(1e-12 * float(self.d.max()))
        s = -g / d
        if not float(s.norm()) <= radius:
            for _ in range(60):
                middle = 0.5 * (low + high)
                s = -g / (d + middle)
                low, high = (middle, high) if float(s.norm()) > radius else (low, middle)
            s = -g / (d + high)
        predicted = float(-(g @ s) - 0.5 * (s @ (self.d * s)))
        return Step(s, predicted, high > low, float(s.norm()))


CURVATURES["diagonal"] = Diagonal

# %% [markdown]
# ## 12.3 A race at equal steps
#
# The Klein–Gordon equation, a network of two layers of 20, 1,000 points, and 150 steps of each model. A step
# of every one of them evaluates value and gradient about once; those that linearise pay for a Jacobian
# beside it, which counts as the gradients it costs.

# %%
problem = problems.build("klein-gordon")
MODELS = ("identity", "barzilai-borwein", "diagonal", "lbfgs", "ssbroyden", "gauss-newton")
runs = {}
for name in MODELS:
    runs[name] = solve(
        problem, method="tr", options={"curvature": name}, budget="150 iterations",
        network=(20, 20), points=1000, seed=0,
    )  # fmt: skip
    result = runs[name].result
    print(
        f"{name:17} loss {result['loss']:.1e}  error {result['relative_l2_error']:.1e}"
        f"  gradients {result['gradient_evaluations']:.0f}"
    )

# %%
figure, (by_step, by_work) = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
for name, run in runs.items():
    rows = run.history
    by_step.semilogy([row["iteration"] for row in rows], [row["loss"] for row in rows], label=name)
    by_work.semilogy([row["gradient_evaluations"] for row in rows], [row["loss"] for row in rows])
by_step.set(xlabel="steps", ylabel="loss")
by_work.set(xlabel="gradients", xscale="symlog")
by_step.legend(frameon=False)
plt.show()

# %% [markdown]
# One number for all directions knows the length of a step and nothing else; a diagonal, even that of the true
# Gauss–Newton matrix, misses what couples the weights of a network, which is nearly everything. The models
# that hold whole matrices, learned from pairs (`ssbroyden`) or computed (`gauss-newton`), are of another
# kind: that is why the default is dense up to 6,000 parameters.
#
# ## 12.4 In the decompositions, too
#
# A model that `TrustRegion` takes is taken by `SAPTS`: its parts have models of the same kind. Here the
# points are divided in two, and both parts and the global pass use Barzilai and Borwein's number.

# %%
divided = solve(
    problem, method="sapts-d", parts=2, options={"curvature": "barzilai-borwein"}, budget="150 iterations",
    network=(20, 20), points=1000, seed=0,
)  # fmt: skip
print(divided)
Image(divided.plot("divided.png"), width=900)

# %% [markdown]
# **Where to go from here.** A model with more memory learns from pairs in `update`, and from those of the
# parts in `learn`. One whose algebra several ranks share has `divided_among`, one of vectors in shards
# `sharded`; both have defaults. `CONTRIBUTING` tells what a model in the package needs beside it: a test
# against a dense computation.

# %%
print(f"final error: {runs['ssbroyden'].error():.2e}")
