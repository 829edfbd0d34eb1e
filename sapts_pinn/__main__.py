"""`python -m sapts_pinn`: the command line, also under torchrun and where no script is installed."""

import sys

from sapts_pinn.cli import main

if __name__ == "__main__":
    sys.exit(main())
