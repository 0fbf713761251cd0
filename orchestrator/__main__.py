"""Where the command `sparsest` begins, also as `python -m orchestrator`.

What the environment asks for decides how the training kernels are compiled, so it is looked at
before anything that imports them. And first of all, whether the packages can be imported.
"""

from __future__ import annotations

import sys

from sparsest_rooms import require_rooms


def main() -> None:
    """Runs the command that this process was started with."""
    try:
        require_rooms()
    except ImportError as error:
        sys.exit(f"error: {error}")
    # Only now: a file of the user's could have been found in its place.
    from workers.kernel.instruction_set import chosen_instruction_set

    try:
        chosen_instruction_set()
    except ValueError as error:
        sys.exit(f"error: {error}")
    # Only now: this imports the kernels.
    from orchestrator import cli

    cli.main()


if __name__ == "__main__":
    main()
