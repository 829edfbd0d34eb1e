"""Summary of a run, as `print(solution)` shows it."""

from __future__ import annotations

from ..audit import lines as audit_lines
from ..estimation.error_estimate import ErrorEstimate
from ..optim.earnings import Earnings
from ..problems import Problem, Reference
from ..runs.content import Result, StartContent
from .uncertainty import combined_errors, estimate


def start_words(start: StartContent) -> str:
    """Start of a run from an earlier solution, in words."""
    if not start["steps"]:
        return str(start["how"])
    cost = f"{start['steps']} steps, {start['seconds']:.1f} s"
    return f"{start['how']} and derivatives in {cost}, relative misfit {start['misfit']:.1e}"


def summary(problem: Problem, r: Result) -> list[str]:
    """Lines with the error and its estimate, what the audit says, and what limits the run.

    Args:
        problem: What was solved.
        r: The content of result.json.
    """
    lines = [f"{r['problem']} by {r['method']}: {r['status']}"]
    if r.get("chosen"):
        lines.append(f"  method             {r['method']}, as {r['chosen']}")
    if (start := r.get("init")) is not None:
        lines.append(f"  start              solution of {start['problem']}: {start_words(start)}")
    if r["relative_l2_error"] is not None:
        source = problem.reference.source if isinstance(problem.reference, Reference) else "given function"
        lines.append(f"  relative L2 error  {r['relative_l2_error']:.3e}   (reference: {source})")
    if found := r.get("error_estimate"):
        lines.append(f"  error estimate     {ErrorEstimate.from_json(found)}")
    lines.append(f"  loss               {r['loss']:.3e}")
    lines += [f"  symmetry           {name}: {words}" for name, words in r.get("symmetry", {}).items()]
    soft = [f"{w:g} for {name}" for name, w in r.get("weights", {}).items() if name != "equation"]
    lines += [f"  weights            {', '.join(soft)}"] if soft else []
    errors = combined_errors(r)
    lines += [f"  {n:<18} {estimate(v, errors.get(n))}" for n, v in r["coefficients"].items()]
    for name, q in r.get("quantities", {}).items():
        source = problem.quantities[name].source if name in problem.quantities else ""
        theirs = "" if q["reference"] is None else f"{q['reference']:.8g}"
        off = "" if q["relative_error"] is None else f", relative error {q['relative_error']:.1e}"
        known = f"   ({f'{source}: ' if source else ''}{theirs}{off})" if theirs else ""
        lines.append(f"  {name:<18} {q['value']:.8g}{known}")
    lines += [f"  audit              {sentence}" for sentence in audit_lines(r.get("audit"))]
    lines += [f"  note               {sentence}" for sentence in r.get("remarks", ())]
    if diagnosis := r.get("diagnosis"):
        lines.append(f"  limited by         {diagnosis['limit']}: {diagnosis['words']}")
    lines.append(
        f"  work               {r['iterations']} steps, {r['gradient_evaluations']:.0f} gradients on "
        f"{r['points']} points, {r['seconds']:.1f} s"
    )
    earned = Earnings.of(r.get("earnings")).words
    lines += [f"  parts              {earned}"] if earned else []
    lines.append(f"  network            {r['parameters']} parameters, {r['dtype']}, {r['device']}")
    return lines


def title_line(r: Result) -> str:
    """Name problem, method, steps and error on one line."""
    parts = [str(r.get("problem")), str(r.get("method")), f"{r.get('iterations', 0)} steps"]
    if (error := r.get("relative_l2_error")) is not None:
        parts.append(f"relative L2 error {error:.1e}")
    elif (loss := r.get("loss")) is not None:
        parts.append(f"loss {loss:.1e}")
    return ", ".join(parts)
