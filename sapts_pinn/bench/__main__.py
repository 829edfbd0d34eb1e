"""`python -m sapts_pinn.bench SUITE`: the same as `sapts-pinn bench SUITE`."""

import sys

from sapts_pinn.bench import main

if __name__ == "__main__":
    sys.exit(main())
