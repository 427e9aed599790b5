"""``python -m vidindex``."""

from vidindex.cli.app import main

if __name__ == "__main__":
    main()
