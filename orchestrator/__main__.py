"""Where the command `sparsest` begins, also as `python -m orchestrator`.

What the environment asks for decides how the training kernels are compiled, so it is looked at
before anything that imports them.
"""

from __future__ import annotations

import sys

from workers.instruction_set import chosen_instruction_set


def main() -> None:
    """Runs the command that this process was started with."""
    try:
        chosen_instruction_set()
    except ValueError as error:
        sys.exit(f"error: {error}")
    # Only now: this imports the kernels.
    from orchestrator import cli

    cli.main()


if __name__ == "__main__":
    main()
