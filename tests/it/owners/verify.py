"""Whether a cache is sound in the eyes of huggingface_hub: CACHE → JSON on stdout.

Every file of every revision is resolved as a program would load it, offline, and its content is held against the name of
its blob: the sha256 of a large file, the git hash of a small one.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from huggingface_hub import hf_hub_download, scan_cache_dir

cache = Path(sys.argv[1])
info = scan_cache_dir(cache)
problems = [str(warning) for warning in info.warnings]
files = {}


def etag_of(path):
    blob = path.parent / os.readlink(path) if path.is_symlink() else path
    return blob.name


for repo in info.repos:
    names = files.setdefault(repo.repo_id, [])
    for revision in repo.revisions:
        for file in revision.files:
            name = str(file.file_path.relative_to(revision.snapshot_path))
            path = Path(hf_hub_download(repo.repo_id, name, revision=revision.commit_hash, cache_dir=cache))
            data = path.read_bytes()
            etag = etag_of(path)
            actual = (
                hashlib.sha256(data).hexdigest()
                if len(etag) == 64
                else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            )
            if path.is_symlink() and actual != etag:
                problems.append(f"{path}: {actual} is not {etag}")
            names.append(f"{revision.commit_hash[:7]} {','.join(sorted(revision.refs))} {name}")
    names.sort()
for link in cache.rglob("*"):
    if link.is_symlink() and not link.exists():
        problems.append(f"{link} leads nowhere")
print(json.dumps({"problems": problems, "files": files}))
