"""`python -m flows.cli`: the command line without an installation."""

from flows.cli import main

if __name__ == "__main__":
    main()
