"""An image archive in OCI's layout, from nothing but a directory of files: no container engine is needed.

It also has Docker's manifest.json, so that `docker load` of any version takes it, besides `podman load`, `ctr images import` and
`skopeo copy oci-archive:`. Formats: opencontainers/image-spec (image-layout.md, config.md), moby/docs (image specification 1.2).
"""

import json
import tempfile
import pathlib
from datetime import datetime, timezone

from files import gzipped, sha256, tar_of

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image(directory, architecture, name, config, labels, epoch):
    """The archive, as bytes, of an image with one layer. `name` is a full reference, `config` what config.md calls so."""
    layer = tar_of(directory, "", epoch)
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    blobs = {}

    def blob(kind, data):
        blobs[sha256(data)] = data
        return {"mediaType": kind, "digest": f"sha256:{sha256(data)}", "size": len(data)}

    settings = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {**config, "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}"]},
        "history": [{"created": created, "created_by": "tools/release/oci.py"}],
    }
    parts = {"config": blob(CONFIG, as_json(settings)), "layers": [blob(LAYER, gzipped(layer))]}
    manifest = blob(MANIFEST, as_json({"schemaVersion": 2, "mediaType": MANIFEST, **parts, "annotations": labels}))
    manifest["platform"] = {"architecture": architecture, "os": "linux"}
    manifest["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]}
    path = {kind: "blobs/" + part["digest"].replace(":", "/") for kind, part in (("config", parts["config"]), ("layer", parts["layers"][0]))}
    files = {
        "oci-layout": as_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": as_json({"schemaVersion": 2, "manifests": [manifest]}),
        "manifest.json": as_json([{"Config": path["config"], "RepoTags": [name], "Layers": [path["layer"]]}]),
        **{f"blobs/sha256/{digest}": data for digest, data in blobs.items()},
    }
    with tempfile.TemporaryDirectory() as scratch:
        for file, data in files.items():
            target = pathlib.Path(scratch, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return tar_of(pathlib.Path(scratch), "", epoch)
