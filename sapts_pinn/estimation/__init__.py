"""Estimates of the error of a trained model, without a reference.

error_estimate: `estimate_error`, the estimate as a whole.
error_equation: The linear problem for the error, solved with random features.
linearised: A problem linearised at a trained model.
seen: Findings of an audit that the points of an estimate do not show.
random_features: Linear least squares over random features.
rounding: Error by the rounding of the model's own evaluation.
joints: Conditions on the error where windows in time meet.
"""
