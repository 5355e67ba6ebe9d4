"""`python -m nurture.cli`, for programs that start the command without its script."""

import sys

from nurture.cli import main

sys.exit(main())
