"""Measurements, each a suite: a table on standard output, and the same figures in `bench.json`.

    sapts-pinn bench SUITE [options]          or          python -m sapts_pinn.bench SUITE [options]

Everything is measured in child processes, so that one measurement does not warm, fill or slow down the
next.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType

from cyclopts import App, CycloptsError

from ..errors import InputError
from .suites import (
    ablation,
    accuracy,
    bands,
    closure,
    device,
    first_step,
    gradients,
    in_deepxde,
    memory,
    pinnacle,
    points,
    race,
    radius,
    scaling,
    supervised,
    trust,
    zoo,
)

Suite = Callable[..., None]

SUITES: dict[str, Suite] = {
    "gradients": gradients.run,
    "points": points.run,
    "memory": memory.run,
    "first-step": first_step.run,
    "solve": accuracy.run,
    "device": device.run,
    "zoo": zoo.run,
    "race": race.run,
    "ablation": ablation.run,
    "radius": radius.run,
    "scaling": scaling.run,
    "deepxde": in_deepxde.run,
    "closure": closure.run,
    "supervised": supervised.run,
    "trust": trust.run,
    "pinnacle": pinnacle.run,
    "bands": bands.run,
}

app = App(
    name="sapts-pinn bench",
    help="Measure speed, memory and accuracy on this machine.",
    help_format="plaintext",
    version_flags=[],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
for _name, _suite in SUITES.items():
    app.command(_suite, name=_name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a suite.

    Args:
        arguments: Name of the suite and its options; by default `sys.argv[1:]`.

    Returns:
        The exit status: 0 done, 1 the measurement failed or was interrupted, 2 the command is wrong.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    if tokens and not tokens[0].startswith("-") and tokens[0] not in SUITES:
        return _say(f"error: there is no suite {tokens[0]!r}; choose one of {', '.join(SUITES)}", 2)
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        app(tokens, exit_on_error=False, print_error=False, help_on_error=False)
        return 0
    except CycloptsError as error:
        text = " ".join(str(error).split())
        return _say(f"error: {text.partition(' Available commands:')[0]}", 2)
    except InputError as error:
        return _say(f"error: {error}", 2)
    except KeyboardInterrupt as error:
        return _say(str(error) or "interrupted", 1)
    except RuntimeError as error:
        return _say(f"error: {error}", 1)
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(message: str, status: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return status
