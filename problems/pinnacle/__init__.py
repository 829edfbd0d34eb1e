"""The problems of PINNacle (Hao et al., arXiv:2306.08827), as its public code states them.

Each module holds one family.  `build("pinnacle-burgers1d-c")` of the zoo makes one by its name, which is the
published one in small letters; `sapts-pinn bench pinnacle` solves them all.  `docs/benchmarks/pinnacle.md`
says where a statement had to be mended, and each module what is ours in it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..problem import Problem
from . import burgers, chaotic, flow, heat, high, inverse, poisson, wave

PINNACLE: dict[str, Callable[[], Problem]] = {
    "pinnacle-burgers1d-c": burgers.burgers_1d,
    "pinnacle-burgers2d-c": burgers.burgers_2d,
    "pinnacle-poisson2d-c": poisson.poisson_2d_c,
    "pinnacle-poisson2d-cg": poisson.poisson_2d_cg,
    "pinnacle-poisson3d-cg": poisson.poisson_3d_cg,
    "pinnacle-poisson2d-ms": poisson.poisson_2d_ms,
    "pinnacle-heat2d-vc": heat.heat_2d_vc,
    "pinnacle-heat2d-ms": heat.heat_2d_ms,
    "pinnacle-heat2d-cg": heat.heat_2d_cg,
    "pinnacle-heat2d-lt": heat.heat_2d_lt,
    "pinnacle-ns2d-c": flow.lid,
    "pinnacle-ns2d-cg": flow.step,
    "pinnacle-ns2d-lt": flow.pulses,
    "pinnacle-wave1d-c": wave.wave_1d,
    "pinnacle-wave2d-cg": wave.wave_2d_cg,
    "pinnacle-wave2d-ms": wave.wave_2d_ms,
    "pinnacle-gs": chaotic.gray_scott,
    "pinnacle-ks": chaotic.kuramoto_sivashinsky,
    "pinnacle-pnd": high.poisson_nd,
    "pinnacle-hnd": high.heat_nd,
    "pinnacle-pinv": inverse.poisson_inverse,
    "pinnacle-hinv": inverse.heat_inverse,
}
LEFT_OUT: dict[str, str] = {}  # sentence by name
