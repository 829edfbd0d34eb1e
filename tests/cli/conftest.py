"""Small data sets, which pass for the published ones."""

from small_data_sets import made_data, small_data  # noqa: F401  (fixtures)
