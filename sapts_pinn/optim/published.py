"""Settings with which the methods were published, behind the names `thesis-sapts-d`, `-p` and `-ip`.

Radius 0.1, times 0.9 below rho = 0.25 and times 1.2 above 0.75, within [0.001, 2]; a step is taken from 0.25
on.  The parts' steps: times 0.6 below 0.3, times 1.5 above 0.7, three of them, within the radius of the
sweep, which each sweep hands to the parts anew; corrections are summed, and one step of the whole follows
with what the sweep has left of the radius.  The model of the whole and of the parts is L-SR1 with a memory of
5, of its own and not pooled; the stages' steps are first-order.  Overlapping batches grow by half.

Source: Cruz Alegria et al., arXiv:2312.13677 and 2502.05133, and the settings of the authors' experiments.
What differs here: the norm is Euclidean also for blocks of parameters, where theirs is the largest entry;
batches grow where they are overfitted (`sapts/batches.py`), not by a test of the full loss every three
epochs; the step of the whole has no Wolfe search beside the trust region.
"""

from __future__ import annotations

from .options import Option
from .radius import PublishedRule

WHOLE = PublishedRule(0.25, 0.25, 0.75, 0.9, 1.2, min_radius=0.001, max_radius=2.0)
LOCAL = PublishedRule(0.25, 0.3, 0.7, 0.6, 1.5)


def published(**special: Option) -> dict[str, Option]:
    """Return the settings of a published method.

    Args:
        special: Those of one method only.
    """
    return {
        "curvature": "lsr1-5",
        "radius": 0.1,
        "rule": WHOLE,
        "adaptive": False,
        "local_steps": 3,
        "local_rule": LOCAL,
        "global_steps": 1,
        "order": "additive",
        "visits": 0,
        "combination": "sum",
        "pooled": False,
        "kind": "random",
        "overlap": 0.33,
        "batch": 0.5,
        **special,
    }
