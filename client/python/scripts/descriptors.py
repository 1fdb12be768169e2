"""Makes src/kith/v1.bin, the descriptor set of every message, from proto/. With --check it only compares."""

import subprocess
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2

PACKAGE = Path(__file__).resolve().parent.parent
PROTO = PACKAGE.parent.parent / "proto"
KEPT = PACKAGE / "src" / "kith" / "v1.bin"


def main() -> int:
    made = descriptors()
    if "--check" not in sys.argv[1:]:
        KEPT.write_bytes(made)
        print(f"{KEPT.name}: {len(made)} bytes")
        return 0
    if KEPT.read_bytes() == made:
        return 0
    print(f"{KEPT} is not what proto/ says: run scripts/descriptors.py", file=sys.stderr)
    return 1


def descriptors() -> bytes:
    """Runs protoc over every file of kith.v1, with those of google.rpc in which errors travel."""
    google = Path(status_pb2.__file__).parent.parent.parent
    bundled = Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(str(file.relative_to(PROTO)) for file in PROTO.glob("kith/v1/*.proto"))
    errors = ["google/rpc/status.proto", "google/rpc/error_details.proto"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "v1.bin"
        paths = [f"-I{path}" for path in (PROTO, google, bundled)]
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            *paths,
            "--include_imports",
            f"--descriptor_set_out={out}",
        ]
        subprocess.run([*command, *files, *errors], check=True)
        return out.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
