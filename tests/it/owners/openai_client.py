"""What the `openai` package does with the gateway: openai_client.py URL MODEL BASE_MODEL [llama-server]

MODEL generates text and has a chat template; it has another name, `alias`. BASE_MODEL is a second one. Ends with an
error that says what a user of the package would lose.
"""

import base64
import math
import struct
import sys

import httpx2 as httpx
import openai

url, model, other, *engine = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
messages = [{"role": "user", "content": "Name a color."}]


def models():
    ids = [found.id for found in client.models.list()]
    assert model in ids and other in ids, f"the list lacks a model: {ids}"
    for name in ids:
        assert client.models.retrieve(name).id == name, f"{name} cannot be retrieved"
    found = client.models.retrieve(model)
    assert found.object == "model" and found.created > 0 and found.owned_by == "modelctl"


def chat():
    for name in [model, f"{model}:latest"]:
        answer = client.chat.completions.create(model=name, messages=messages, max_tokens=8, temperature=0)
        assert answer.model == name, f"the answer is of {answer.model}"
        assert answer.choices[0].message.content and answer.choices[0].finish_reason in ("stop", "length")
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    if engine == ["llama-server"]:
        return  # it has no time limit by that name
    limited = client.chat.completions.create(
        model=model, messages=messages, max_tokens=3000, extra_body={"ignore_eos": True, "timeout_ms": 300}
    )
    assert limited.choices[0].finish_reason == "length", "a time limit is no reason of OpenAI's"


def chat_stream(usage):
    options = {"stream_options": {"include_usage": True}} if usage else {}
    stream = client.chat.completions.create(
        model=model, messages=messages, max_tokens=6, stream=True, extra_body={"ignore_eos": True}, **options
    )
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1 and len({chunk.created for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {model}
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks)
    if usage:
        last = chunks.pop()
        assert last.choices == [] and last.usage.completion_tokens == 6, "the usage comes last, without a choice"
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks)
    roles = [chunk.choices[0].delta.role for chunk in chunks]
    assert roles == ["assistant"] + [None] * (len(chunks) - 1), f"only the first has the role: {roles}"
    assert chunks[0].choices[0].delta.content == ""
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["length"], f"the reason has a chunk of its own: {reasons}"
    assert chunks[-1].choices[0].delta.content is None
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def json_schema():
    schema = {
        "type": "object",
        "properties": {"color": {"type": "string", "enum": ["red", "blue"]}},
        "required": ["color"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "color", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(model=model, messages=messages, response_format=form, max_tokens=30)
    assert answer.choices[0].message.content.replace(" ", "").replace("\n", "") in ('{"color":"red"}', '{"color":"blue"}')


def completions():
    answer = client.completions.create(model=other, prompt="One, two,", max_tokens=4, extra_body={"ignore_eos": True})
    assert answer.choices[0].text and answer.choices[0].finish_reason == "length" and answer.model == other
    chunks = list(client.completions.create(model=other, prompt=["One,"], max_tokens=4, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


def embeddings():
    texts = ["a cat", "a kitten", "a tax return"]
    packed = client.embeddings.create(model=model, input=texts)  # the package asks for base64
    plain = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert packed.model == model and [one.index for one in packed.data] == [0, 1, 2]
    for a, b in zip(packed.data, plain.data):
        assert abs(math.hypot(*a.embedding) - 1) < 1e-4, "a vector of length 1"
        assert all(abs(x - y) < 1e-4 for x, y in zip(a.embedding, b.embedding)), "base64 and float differ"
    raw = httpx.post(
        f"{url}/v1/embeddings", json={"model": model, "input": "a cat", "encoding_format": "base64"}, timeout=120
    ).json()["data"][0]["embedding"]
    bytes_ = base64.b64decode(raw)
    first = struct.unpack(f"<{len(bytes_) // 4}f", bytes_)
    assert all(abs(x - y) < 1e-3 for x, y in zip(first, plain.data[0].embedding))
    tokens = client.embeddings.create(model=model, input=[[1, 2, 3], [4, 5]])
    assert len(tokens.data) == 2 and tokens.usage.prompt_tokens >= 5


def errors():
    try:
        client.chat.completions.create(model="no-such-model", messages=messages)
        raise SystemExit("an unknown model was answered")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error.code
    try:
        client.models.retrieve("no/such/model")
        raise SystemExit("an unknown model was retrieved")
    except openai.NotFoundError:
        pass
    try:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "word " * 40_000}])
        raise SystemExit("a prompt that does not fit was answered")
    except openai.BadRequestError as error:
        assert error.code == "context_length_exceeded", (error.code, error)
    if engine == ["llama-server"]:
        return  # it takes any temperature
    try:
        client.chat.completions.create(model=model, messages=messages, temperature=-1)
        raise SystemExit("a wrong option was accepted")
    except openai.BadRequestError as error:
        assert error.type == "invalid_request_error" and "temperature" in str(error)


def first_calls():
    """The first requests of other clients, as they send them."""
    post = lambda path, body: httpx.post(f"{url}{path}", json=body, timeout=120)
    # Open WebUI: without /v1 where its address has none, and with members of its own.
    assert httpx.get(f"{url}/models", timeout=120).json()["object"] == "list"
    body = {"model": model, "messages": messages, "stream": False, "max_tokens": 2}
    open_webui = {**body, "metadata": {"chat_id": "x"}, "options": {}, "files": [], "features": {}, "tool_ids": []}
    assert post("/chat/completions", open_webui).status_code == 200
    # LangChain, and n8n which is built on it.
    langchain = {**body, "n": 1, "temperature": 0.7, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
    assert post("/v1/chat/completions", langchain).status_code == 200
    # VS Code.
    vs_code = {**body, "tools": [], "tool_choice": "auto", "n": 1, "intent": False, "parallel_tool_calls": True}
    assert post("/v1/chat/completions", vs_code).status_code == 200
    # LangChain cuts texts into tokens before it asks for vectors.
    assert post("/v1/embeddings", {"model": model, "input": [[1, 2, 3]], "user": "x"}).status_code == 200


for check in [models, chat, lambda: chat_stream(False), lambda: chat_stream(True), json_schema, completions, embeddings, errors, first_calls]:
    check()
print("all is well")
