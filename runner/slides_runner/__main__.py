"""`python -m slides_runner` is `slides`."""

from slides_runner.cli import main

if __name__ == "__main__":
    main()
