"""A fake of llama-server: it answers as one does, and has no model.

fake_llama_server.py -m MODEL --port PORT [--says TEXT]
"""
import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

parser = argparse.ArgumentParser()
parser.add_argument("-m")
parser.add_argument("--port", type=int)
parser.add_argument("--says", default="from the other one")
told = parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            self.answer({"status": "ok"})
        elif self.path == "/props":
            settings = {"n_ctx": 512}
            self.answer({"default_generation_settings": settings, "total_slots": 2, "model_path": told.m})
        else:
            self.send_error(404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": told.says}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self.answer({"id": "x", "object": "chat.completion", "created": 1, "model": "x", "choices": [choice], "usage": usage})

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", told.port), Handler)
print("ready", flush=True)
server.serve_forever()
