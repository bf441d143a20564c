"""What huggingface_hub says of a cache, exactly: CACHE → JSON on stdout."""

import json
import sys

from huggingface_hub import scan_cache_dir

info = scan_cache_dir(sys.argv[1])
print(json.dumps({
    "warnings": [str(warning) for warning in info.warnings],
    "repos": [
        {
            "id": repo.repo_id,
            "size": repo.size_on_disk,
            "revisions": [
                {
                    "commit": revision.commit_hash,
                    "refs": sorted(revision.refs),
                    "blobs": {file.blob_path.name: file.size_on_disk for file in revision.files},
                }
                for revision in repo.revisions
            ],
        }
        for repo in info.repos
    ],
}))
