"""Tools that the suites share.

options: Options that several suites have, and their checks.
report: Facts about the machine, tables, pictures and files.
journal: Results in a file that an interrupted session can go on with.
child: Child processes to measure in.
error_watch: Callback that measures the error of a run.
delayed: A communicator with latency and bandwidth.
deepxde_models: Models as DeepXDE's examples write them.
cost_model, scaling_report: Cost model, tables and picture of the scaling suite.
supervised_report: Tables and pictures of the supervised suite.
"""
