"""llama-cpp-python in a plain loop, as a contender of the group `offload`.

    llama_cpp_python.py MODEL REQUESTS CONTEXT THREADS

REQUESTS has a body in OpenAI's shape in each line; they are answered one by one by one `Llama`, which keeps what the prompt
has in common with the one before. Prints a JSON object: seconds from the loaded model to the last answer, and the answers
in OpenAI's shape.
"""

import json
import sys
import time

from llama_cpp import Llama

path, requests, context, threads = sys.argv[1:]
llama = Llama(
    model_path=path,
    n_ctx=int(context),
    n_threads=int(threads),
    n_threads_batch=int(threads),
    flash_attn=True,
    verbose=False,
)
loaded = time.perf_counter()
with open(requests, encoding="utf-8") as lines:
    answers = [llama.create_chat_completion(**json.loads(line)) for line in lines]
print(json.dumps({"loaded": time.perf_counter() - loaded, "answers": answers}))
