"""What `make cluster` and `make cluster-down` do: `python -m tests.cluster`."""

import argparse
import sys

from tests.cluster.namespaces import NodeError
from tests.cluster.node import delete_kept_cluster, keep_cluster
from tests.cluster.processes import StartError
from tests.cluster.s3 import install_s3
from tests.cluster.tools import PACKAGES, USUAL, ToolMissingError, build, tool


def main() -> int:
    """Do what is asked for; print what a shell can use, say the rest on standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="have a cluster and print how a shell finds it")
    commands.add_parser("down", help="delete it; a cluster of yours is left alone")
    s3 = commands.add_parser("s3", help="run an S3 server in it and print its endpoint")
    s3.add_argument("--namespace", default="default")
    tools = commands.add_parser("tools", help="build tools and print where they are")
    tools.add_argument("names", nargs="*", choices=[*PACKAGES, []], metavar="NAME")
    try:
        sys.stdout.write("\n".join([*_do(parser.parse_args()), ""]))
    except (ToolMissingError, StartError, NodeError) as e:
        sys.stderr.write(f"{e}\n")
        return 1
    return 0


def _do(arguments: argparse.Namespace) -> list[str]:
    match arguments.command:
        case "up":
            cluster = keep_cluster()
            folder = tool("kubectl").parent
            return [f"export KUBECONFIG={cluster.kubeconfig}", f'export PATH="$PATH:{folder}"']
        case "down":
            delete_kept_cluster()
            return []
        case "s3":
            return [install_s3(keep_cluster(), arguments.namespace)]
        case _:
            return [str(path) for path in build(arguments.names or USUAL).values()]


if __name__ == "__main__":
    sys.exit(main())
