"""Run the command line without installing it: `python -m flows.cli`."""

from flows.cli import main

if __name__ == "__main__":
    main()
