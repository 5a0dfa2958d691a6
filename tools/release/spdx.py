"""A software bill of materials in SPDX 2.3 (JSON): the exporter, and Debian's packages whose files a release contains."""

import json
import re
from datetime import datetime, timezone

from files import sha256


def _id(name):
    return "SPDXRef-" + re.sub("[^A-Za-z0-9.-]", "-", name)


def _entry(name, version, **more):
    absent = {"downloadLocation": "NOASSERTION", "licenseDeclared": "NOASSERTION", "licenseConcluded": "NOASSERTION"}
    return {"SPDXID": _id(f"Package-{name}"), "name": name, "versionInfo": version, "filesAnalyzed": False,
            "copyrightText": "NOASSERTION", **absent, **more}  # fmt: skip


def document(version, suite, linked, compiled, epoch):
    """The document's text. `linked`: packages whose libraries go along; `compiled`: those whose headers became part of the program."""
    product = _entry("tracepoint_exporter", version, licenseDeclared="Apache-2.0", primaryPackagePurpose="APPLICATION")
    packages, relations = [product], [("SPDXRef-DOCUMENT", "DESCRIBES", product["SPDXID"])]
    for group, relation in ((linked, "CONTAINS"), (compiled, "STATIC_LINK")):
        for package in sorted(set(group)):
            source = package.source or package.name
            reference = f"pkg:deb/debian/{package.name}@{package.version.replace(':', '%3A')}?arch={package.architecture}&distro={suite}"
            entry = _entry(
                package.name, package.version,
                supplier="Organization: Debian", sourceInfo=f"built from Debian's source package {source}",
                externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": reference}],
            )  # fmt: skip
            if package.homepage:
                entry["homepage"] = package.homepage
            packages.append(entry)
            relations.append((product["SPDXID"], relation, entry["SPDXID"]))
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"tracepoint_exporter-{version}",
        "packages": packages,
        "relationships": [
            {"spdxElementId": subject, "relationshipType": relation, "relatedSpdxElement": related}
            for subject, relation, related in relations
        ],
        "creationInfo": {
            "created": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: tracepoint_exporter-tools/release"],
        },
    }
    # Unique for what it says, and the same for the same.
    digest = sha256(json.dumps(body, sort_keys=True).encode())
    body["documentNamespace"] = f"https://spdx.org/spdxdocs/tracepoint_exporter-{version}-{digest[:32]}"
    return json.dumps(body, indent=1, sort_keys=True) + "\n"
