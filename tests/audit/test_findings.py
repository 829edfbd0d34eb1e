"""Findings of an audit, and the audits of windows."""

from sapts_pinn.audit import together
from sapts_pinn.audit.findings import EXPLAIN, ORDER, Audit, Finding, lines, without_consequences


def test_the_audits_of_windows_are_one():
    good = {"passed": True, "objections": [], "figures": {"points": 3.0}}
    bad = {
        "passed": False,
        "objections": [{"topic": "layer", "words": "so", "figures": {}}],
        "figures": {"points": 5.0},
    }
    both = together([good, bad, None])
    assert (
        not both["passed"]
        and both["objections"][0]["words"] == "window 2: so"
        and both["figures"]["points"] == 5
    )
    assert together([None]) is None


def test_causes_come_first_and_consequences_are_left_out():
    given = [Finding(topic, topic) for topic in ("residual", "data", "sampling", "condition", "symmetry")]
    assert [f.topic for f in without_consequences(given)] == ["symmetry"]
    given = [Finding(topic, topic) for topic in ("data", "layer", "residual", "condition")]
    assert [f.topic for f in without_consequences(given)] == ["layer", "condition", "data"]
    both = [Finding("layer", "at x=0"), Finding("layer", "at x=1")]
    assert without_consequences(both) == tuple(both)
    assert set(EXPLAIN) <= set(ORDER) and {t for found in EXPLAIN.values() for t in found} <= set(ORDER)
    for cause, consequences in EXPLAIN.items():
        assert all(ORDER.index(cause) < ORDER.index(one) for one in consequences), "causes first"


def test_an_audit_in_words_and_as_json():
    figures = {"relative_residual": 1.5e-4, "points": 2048.0, "condition": 2e-6}
    good = Audit((), figures)
    assert good.passed and good.as_json() == {"passed": True, "objections": [], "figures": figures}
    assert lines(good.as_json()) == [
        "passed: the residual is 1.5e-04 of the equation's terms on 2,048 fresh points, "
        "conditions hold to 2.0e-06"
    ]
    bad = Audit((Finding("scale", "too small", {"ratio": 1e4}), Finding("data", "missed")), figures)
    assert not bad.passed and lines(bad.as_json()) == ["scale: too small", "data: missed"]
    assert lines(None) == []
