"""Names and one-line descriptions of all problems, methods and data sets.

`sapts-pinn list` and the completion of a shell read them here, without PyTorch.  The tables that build
things (`problems/zoo/`, `optim/methods.py`, `supervised/`) take their descriptions from here as well; a row
that only one of both has is an error on import or in `tests/test_catalogue.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class ProblemRow(NamedTuple):
    """A problem in a list.

    Attributes:
        group: The equation that it belongs to.
        summary: Description of one line.
    """

    group: str
    summary: str


class DataRow(NamedTuple):
    """A data set in a list.

    Attributes:
        summary: Description of one line.
        networks: Names of the networks for it, the first of them by default.
    """

    summary: str
    networks: tuple[str, ...]


PROBLEMS = {
    "poisson-1d": ProblemRow("Poisson", "1D, u = sin(pi x)"),
    "poisson-multiscale": ProblemRow("Poisson", "1D, u = sin(2 pi x) + 0.1 sin(50 pi x)"),
    "poisson-2d": ProblemRow("Poisson", "unit square, u = sin(pi x) sin(pi y)"),
    "poisson-2d-k4": ProblemRow("Poisson", "unit square, u = sin(4 pi x) sin(4 pi y)"),
    "poisson-3d": ProblemRow("Poisson", "unit cube, u = sin(pi x) sin(pi y) sin(pi z)"),
    "poisson-5d": ProblemRow("Poisson", "5D cube, u = sum of cos(pi x_i)"),
    "poisson-interface": ProblemRow("Poisson", "a coefficient that jumps by 100 across a circle"),
    "composite-wall": ProblemRow("Poisson", "brick, foam, steel: conductivity jumps by 1,700"),
    "composite-ring": ProblemRow("Poisson", "two rings, conductivities 1 and 20"),
    "poisson-source": ProblemRow("Poisson", "a point source in a square: infinite at one point"),
    "poisson-lshape": ProblemRow("Poisson", "L-shape, f = 1, gradient infinite at the corner"),
    "obstacle": ProblemRow("Poisson", "a string over a parabola that it touches in part"),
    "burgers": ProblemRow("Burgers", "viscosity 0.01/pi, -sin(pi x) becomes a thin layer"),
    "burgers-family": ProblemRow("Burgers", "viscosities from 0.01/pi to 0.1/pi, by one network"),
    "allen-cahn": ProblemRow("Allen-Cahn", "D = 1e-4, periodic, thin layers from x^2 cos(pi x)"),
    "allen-cahn-dirichlet": ProblemRow("Allen-Cahn", "D = 1e-3, u = -1 at both ends, as in DeepXDE"),
    "allen-cahn-steady": ProblemRow("Allen-Cahn", "steady, 1D, from u = 1 to u = -1"),
    "poisson-holes": ProblemRow("Poisson", "a square with four round holes (PINNacle's)"),
    "poisson-boltzmann": ProblemRow("Poisson", "k = 8, four holes close to each other (PINNacle's)"),
    "helmholtz": ProblemRow("Helmholtz", "k = 1, u = sin(pi x) sin(4 pi y) on [-1, 1]^2"),
    "helmholtz-6-6": ProblemRow("Helmholtz", "k = 1, u = sin(6 pi x) sin(6 pi y) on [-1, 1]^2"),
    "heat": ProblemRow("Heat, convection, reaction", "u_t = 0.4 u_xx from sin(pi x)"),
    "heat-cylinder": ProblemRow("Heat, convection, reaction", "in a cylinder, axisymmetric, r = 0 included"),
    "heat-ball": ProblemRow("Heat, convection, reaction", "in a ball, from its centre on"),
    "stefan": ProblemRow("Heat, convection, reaction", "melting: the front s(t) is an unknown, too"),
    "conjugate": ProblemRow("Heat, convection, reaction", "a flow along a wall, heat in both"),
    "convection": ProblemRow("Heat, convection, reaction", "u_t + 40 u_x = 0 from sin x, periodic"),
    "reaction": ProblemRow("Heat, convection, reaction", "u_t = 5 u (1 - u) from a bump, no derivative in x"),
    "gray-scott": ProblemRow("Heat, convection, reaction", "two substances, one pulse divides, periodic"),
    "fokker-planck": ProblemRow("Heat, convection, reaction", "steady density in a double well, of mass 1"),
    "wave": ProblemRow("Waves", "c = 2, from sin(pi x) + sin(5 pi x) / 2 at rest"),
    "wave-4": ProblemRow("Waves", "c = 2, from sin(pi x) + sin(4 pi x) / 2 at rest"),
    "klein-gordon": ProblemRow("Waves", "cubic, u = x cos(5 pi t) + (x t)^3"),
    "schroedinger": ProblemRow("Waves", "cubic, from 2 sech x, period 10: a kink at the seam"),
    "wave-packet": ProblemRow("Waves", "free Schroedinger equation, complex: a packet"),
    "kdv": ProblemRow("Waves", "Korteweg-de Vries, cos(pi x) becomes solitons"),
    "kuramoto-sivashinsky": ProblemRow("Waves", "fourth order, from -sin(pi x), periodic"),
    "lorenz": ProblemRow("Ordinary differential equations", "three equations in time alone, t to 3"),
    "delay": ProblemRow("Ordinary differential equations", "u' = -u(t - 1), u = 1 before the start"),
    "fredholm": ProblemRow("Integral equations", "second kind, kernel e^(x - s) / 2 on [0, 1]"),
    "volterra": ProblemRow("Integral equations", "second kind, kernel s - x, from 0 to x"),
    "volterra-ide": ProblemRow("Integral equations", "y' + y = an integral from 0 to x (DeepXDE's)"),
    "kirsch": ProblemRow("Elasticity", "a plate with a hole under tension: stress factor 3"),
    "kovasznay": ProblemRow("Navier-Stokes", "Re = 40, exact solution behind a grid"),
    "cavity": ProblemRow("Navier-Stokes", "driven by its lid, Re = 100 (Ghia, Ghia and Shin)"),
    "cylinder": ProblemRow("Navier-Stokes", "drag in a channel, Re = 20 (Schaefer-Turek 2D-1)"),
    "burgers-inverse": ProblemRow("Inverse", "viscosity of burgers from 2,000 exact values"),
    "burgers-inverse-noise-1": ProblemRow("Inverse", "viscosity from 2,000 values with 1 % noise"),
    "lorenz-inverse": ProblemRow("Inverse", "sigma, rho, beta from 25 points of a trajectory"),
    "navier-stokes-inverse": ProblemRow("Inverse", "convection, viscosity from velocities, 1 % noise"),
    "diffusion-inverse": ProblemRow("Inverse", "a coefficient k(x) from 1,000 values, 1 % noise"),
    "source-inverse": ProblemRow("Inverse", "a source s(x) from 200 noisy displacements"),
}

METHODS = {
    "auto": "features where they suffice, else sapts-d or tr",
    "tr": "trust region, self-scaled Broyden or limited-memory BFGS",
    "tr-ssbroyden": "trust region with a dense self-scaled Broyden inverse",
    "tr-gauss-newton": "trust region, Gauss-Newton curvature, a probed radius",
    "tr-lbfgs": "trust region with limited-memory BFGS",
    "tr-lsr1": "trust region with limited-memory SR1",
    "tr-identity": "first-order trust region",
    "sapts-d": "SAPTS, the data divided among parts, pooled curvature",
    "sapts-p": "SAPTS, the parameters divided into blocks",
    "sapts-ip": "SAPTS, the network divided into stages, inexact",
    "thesis-sapts-d": "SAPTS_D with the published settings",
    "thesis-sapts-p": "SAPTS_P with the published settings",
    "thesis-sapts-ip": "SAPTS_IP with the published settings, first-order parts",
    "features": "random features, their outer layer by linear least squares",
    "adam": "Adam, decaying learning rate",
    "lbfgs": "L-BFGS, strong Wolfe line search",
    "adam-lbfgs": "Adam for a quarter of the budget, then L-BFGS",
}
SAPTS = ("sapts-d", "sapts-p", "sapts-ip")  # of `solve --method sapts`, in this order

DATA_SETS = {
    "mnist": DataRow("handwritten digits", ("mlp", "cnn")),
    "cifar10": DataRow("photographs of ten kinds", ("cnn", "resnet")),
    "tinyshakespeare": DataRow("the next character of Shakespeare", ("gpt",)),
}

METHODS_ON_SAMPLES = {
    "sapts-d": "SAPTS, the samples divided among parts",
    "sapts-p": "SAPTS, the parameters divided into blocks",
    "sapts-ip": "SAPTS, the network divided into stages, inexact",
    "tr": "trust region, growing batches, limited-memory BFGS",
    "tr-gauss-newton": "trust region, growing batches, Gauss-Newton by products",
    "thesis-sapts-d": METHODS["thesis-sapts-d"],
    "thesis-sapts-p": METHODS["thesis-sapts-p"],
    "thesis-sapts-ip": METHODS["thesis-sapts-ip"],
    "sgd": "SGD with momentum 0.9",
    "adam": "Adam",
    "adamw": "AdamW",
}
