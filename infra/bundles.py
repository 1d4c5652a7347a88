"""The bundles of a release: Terraform with its templates, the manifests with images by digest, notes, checksums.

`python infra/bundles.py DIRECTORY ORCHESTRATOR AGENT`; the images are REPOSITORY@sha256:DIGEST. The same sources and
images give the same bytes.
"""

import gzip
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE = re.compile(r"[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}")
BUNDLES: Mapping[str, tuple[str, ...]] = {
    "terraform": ("infra/terraform", "templates"),
    "kubernetes": ("infra/kubernetes", "crds"),
}
LEFT_OUT = re.compile(r"(^|/)(\.terraform[^/]*|__pycache__|\.compiled)(/|$)")
IMAGES_FILE = "infra/kubernetes/components/release-images/kustomization.yaml"


def version(root: Path) -> str:
    """Return the version of the sources."""
    (found,) = re.findall(r'^__version__ = "(.+)"$', (root / "functions/__init__.py").read_text(), re.MULTILINE)
    return str(found)


def notes(root: Path, release: str) -> str:
    """Return the section of a version in CHANGELOG.md. Raises ValueError if there is none."""
    found = re.search(rf"^## {re.escape(release)}\b.*?\n(.*?)(?=^## |\Z)", _changelog(root), re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {release}: write it")
    return found[1].strip() + "\n"


def _changelog(root: Path) -> str:
    return (root / "CHANGELOG.md").read_text()


def release_images(orchestrator: str) -> bytes:
    """Return the component that names the release's image in an overlay."""
    name, digest = orchestrator.split("@")
    text = (
        "# The image of this release. Take it up in an overlay: components: [../components/release-images]\n"
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages:\n"
        f"  - name: orchestrator\n    newName: {name}\n    digest: {digest}\n"
    )
    return text.encode()


def contents(root: Path, bundle: str, images: Mapping[str, str]) -> Iterator[tuple[str, bytes, bool]]:
    """Yield path, bytes and whether it is a program, in the order of the paths."""
    found = {path.relative_to(root).as_posix(): path for room in BUNDLES[bundle] for path in (root / room).rglob("*")}
    files = {
        name: (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for name, path in found.items()
        if path.is_file() and not LEFT_OUT.search(name)
    }
    if bundle == "kubernetes":
        files[IMAGES_FILE] = (release_images(images["orchestrator"]), False)
    files["IMAGES"] = ("".join(f"{name} {image}\n" for name, image in sorted(images.items())).encode(), False)
    yield from ((name, *files[name]) for name in sorted(files))


def write(root: Path, directory: Path, images: Mapping[str, str]) -> list[Path]:
    """Write bundles, SHA256SUMS and NOTES.md; return the bundles. Raises ValueError."""
    wrong = [image for image in images.values() if not IMAGE.fullmatch(image)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: an image must be REPOSITORY@sha256:DIGEST")
    release = version(root)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "NOTES.md").write_text(notes(root, release))
    made = []
    for bundle in BUNDLES:
        file = directory / f"orchestrator-{bundle}-{release}.tar.gz"
        with gzip.GzipFile(file, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data, program in contents(root, bundle, images):
                entry = tarfile.TarInfo(f"orchestrator-{release}/{name}")
                entry.size, entry.mode = len(data), 0o755 if program else 0o644
                archive.addfile(entry, io.BytesIO(data))
        made.append(file)
    sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made)
    (directory / "SHA256SUMS").write_text(sums)
    return made


if __name__ == "__main__":
    target, orchestrator, agent = sys.argv[1:]
    try:
        write(ROOT, Path(target), {"orchestrator": orchestrator, "agent": agent})
    except ValueError as error:
        sys.exit(str(error))
