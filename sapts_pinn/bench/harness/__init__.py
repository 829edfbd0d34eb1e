"""What the suites share.

report: Options, facts about the machine, tables and files.
child: Child processes to measure in.
delayed: A communicator with latency and bandwidth.
deepxde_models: Models as DeepXDE's examples write them.
supervised_report: Tables and pictures of the supervised suite.
"""
