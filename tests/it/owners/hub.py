"""Makes huggingface_hub write a cache, offline: the real package downloads from a stand-in for the hub.

    hub.py SOURCE CACHE LOCAL_DIR

SOURCE/<org>/<name>/<revision>/<file> are the files of each revision; the commit of a revision is the SHA-1 of its
name. What is done with them is written below, in order. Needs huggingface_hub on PYTHONPATH and no network.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

SOURCE, CACHE, LOCAL = map(Path, sys.argv[1:4])
stalled = threading.Event()


def commit(revision):
    return hashlib.sha1(revision.encode()).hexdigest()


def is_large(data):
    return data[:4] == b"GGUF"


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class FakeHub(BaseHTTPRequestHandler):
    """As much of the hub's HTTP interface as a download needs."""

    protocol_version = "HTTP/1.1"
    main = {}

    def log_message(self, *_):
        pass

    def folder(self, repo, revision):
        for candidate in (SOURCE / repo).iterdir():
            if commit(candidate.name) == revision:
                return candidate
        return SOURCE / repo / (self.main.get(repo, "main") if revision == "main" else revision)

    def answer(self, body, headers):
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def as_json(self, value):
        self.answer(json.dumps(value).encode(), {"Content-Type": "application/json"})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = unquote(urlparse(self.path).path).strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            repo = "/".join(parts[2:4])
            folder = self.folder(repo, "/".join(parts[5:]))
            files = sorted(p for p in folder.rglob("*") if p.is_file())
            names = [str(p.relative_to(folder)) for p in files]
            if parts[4] == "revision":
                siblings = [{"rfilename": name} for name in names]
                self.as_json({"id": repo, "modelId": repo, "sha": commit(folder.name), "siblings": siblings,
                              "private": False, "tags": [], "downloads": 0, "likes": 0})
            else:
                self.as_json([self.tree_entry(name, p.read_bytes()) for name, p in zip(names, files)])
            return
        repo, revision, file = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
        folder = self.folder(repo, revision)
        data = (folder / file).read_bytes()
        etag = hashlib.sha256(data).hexdigest() if is_large(data) else git_sha1(data)
        headers = {"X-Repo-Commit": commit(folder.name), "ETag": f'"{etag}"'}
        if file == "stalls.gguf" and self.command == "GET":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data) + 1_000_000))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()
            stalled.set()
            threading.Event().wait()
        self.answer(data, headers)

    def tree_entry(self, name, data):
        entry = {"type": "file", "path": name, "size": len(data), "oid": git_sha1(data)}
        if is_large(data):
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return entry


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ.update(HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}", HF_HUB_DISABLE_TELEMETRY="1",
                      HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_XET="1", HF_HOME=str(SOURCE.parent / "hub-home"))
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.utils import _shared_blobs

    # A repository that moved on: main was `first`, then `second`.
    for revision in ["first", "second"]:
        FakeHub.main["org/moved"] = revision
        snapshot_download("org/moved", cache_dir=CACHE)
    # One that was downloaded by its commit, which leaves no reference.
    snapshot_download("org/pinned", revision=commit("only"), cache_dir=CACHE)
    # Two that share a payload, as downloads through Xet do.
    for repo in ["org/shared-a", "org/shared-b"]:
        path = Path(hf_hub_download(repo, "model.gguf", cache_dir=CACHE))
        blob = path.parent / os.readlink(path)
        done = _shared_blobs.publish_blob_to_shared_store(
            blob_path=os.path.abspath(blob), xet_hash="ab" * 32, cache_dir=CACHE, expected_size=blob.stat().st_size)
        assert done, "the package did not share the blob"
    # Without symbolic links.
    subprocess.run([sys.executable, "-c", "from huggingface_hub import snapshot_download as d; import sys\n"
                    "d('org/plain', cache_dir=sys.argv[1])", CACHE],
                   check=True, env={**os.environ, "HF_HUB_DISABLE_SYMLINKS": "1"})
    # Into a plain folder.
    snapshot_download("org/local", local_dir=LOCAL)
    # One that is killed in the middle of a file.
    child = subprocess.Popen([sys.executable, "-c", "from huggingface_hub import hf_hub_download as d; import sys\n"
                              "d('org/killed', 'stalls.gguf', cache_dir=sys.argv[1])", CACHE])
    assert stalled.wait(60), "the download that is to be killed did not begin"
    killed = CACHE / "models--org--killed" / "blobs"
    for _ in range(600):
        if any(killed.glob("*.incomplete")):
            break
        threading.Event().wait(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()


main()
