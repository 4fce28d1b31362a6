"""Serve another sign-in service: `python -m bench.peer_server FOLDER COMMAND ... --port 8000` becomes that program.

`{port}` in the command stands for the port.
"""

import os
import sys


def main() -> None:
    """Replace this process."""
    folder, *command = sys.argv[1:-2]
    os.chdir(folder)
    command = [each.replace("{port}", sys.argv[-1]) for each in command]
    os.execvp(command[0], command)  # noqa: S606 - our own command


if __name__ == "__main__":
    main()
