"""What the `ollama` package and other clients do with the daemon: ollama_client.py URL MODEL

MODEL generates text, has a chat template and a name without a tag, which is an alias with a slash. Ends with an error
that says what a user would lose.
"""

import datetime
import json
import sys

import httpx
import ollama

url, model = sys.argv[1:]
tagged = f"{model}:latest"
client = ollama.Client(host=url)
messages = [{"role": "user", "content": "Name a color."}]
get = lambda path, **more: httpx.get(f"{url}{path}", timeout=120, **more)
post = lambda path, body, **more: httpx.post(f"{url}{path}", json=body, timeout=120, **more)


def lines(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def lists():
    found = {one.model: one for one in client.list().models}
    assert tagged in found, f"the list lacks {tagged}: {list(found)}"
    one = found[tagged]
    assert one.size > 1_000_000 and len(one.digest) == 64
    assert one.modified_at.tzinfo is not None, "a time without an offset"
    assert one.details.format == "gguf" and one.details.family and one.details.parameter_size
    assert one.details.quantization_level and one.details.families
    shown = client.show(tagged)
    assert "completion" in shown.capabilities and "{%" in shown.template
    architecture = shown.modelinfo["general.architecture"]
    assert shown.modelinfo[f"{architecture}.context_length"] >= 4096 and shown.modelinfo["general.basename"]
    for line in shown.parameters.splitlines():
        assert len(line.split()) == 2, f"Continue cannot read {line!r}"


def chat():
    answer = client.chat(model=model, messages=messages, options={"num_predict": 8, "temperature": 0, "num_ctx": 8192})
    assert answer.message.role == "assistant" and answer.message.content and answer.model == model
    assert answer.done and answer.done_reason in ("stop", "length")
    assert answer.eval_count > 0 and answer.prompt_eval_count > 0
    assert answer.total_duration >= answer.eval_duration > 1_000_000, "nanoseconds"
    assert answer.total_duration >= answer.load_duration
    parts = list(client.chat(model=tagged, messages=messages, stream=True, options={"num_predict": 8, "temperature": 0}))
    assert len(parts) > 2 and [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {part.message.role for part in parts} == {"assistant"}, "a role on every line"
    assert {part.model for part in parts} == {tagged}
    assert "".join(part.message.content for part in parts) == answer.message.content
    limited = client.chat(model=model, messages=messages, options={"num_predict": 1, "stop": None})
    assert limited.done_reason == "length" and limited.eval_count == 1


def generate():
    answer = client.generate(model=model, prompt="Name a color.", system="Answer in one word.", options={"num_predict": 6})
    assert answer.response and answer.done
    raw = client.generate(model=model, prompt="One, two,", raw=True, options={"num_predict": 4, "temperature": 0})
    assert raw.response and raw.prompt_eval_count < answer.prompt_eval_count, "raw is without a template"
    parts = list(client.generate(model=model, prompt="One, two,", raw=True, stream=True, options={"num_predict": 4, "temperature": 0}))
    assert "".join(part.response for part in parts) == raw.response and parts[-1].done_reason
    schema = {"type": "object", "properties": {"color": {"enum": ["red", "blue"]}}, "required": ["color"], "additionalProperties": False}
    formed = client.chat(model=model, messages=messages, format=schema, options={"num_predict": 40})
    assert json.loads(formed.message.content)["color"] in ("red", "blue"), formed.message.content
    try:
        client.generate(model=model, prompt="a", suffix="b")
        raise SystemExit("a model without infill was given a suffix")
    except ollama.ResponseError as error:
        assert error.status_code == 400 and "does not support insert" in error.error


def embed():
    answer = client.embed(model=model, input=["a cat", "a kitten"])
    assert len(answer.embeddings) == 2 and answer.prompt_eval_count > 0
    assert abs(sum(x * x for x in answer.embeddings[0]) - 1) < 1e-3, "a vector of length 1"
    older = client.embeddings(model=model, prompt="a cat")
    assert all(abs(x - y) < 1e-4 for x, y in zip(older.embedding, answer.embeddings[0]))
    assert list(client.embed(model=model, input=[]).embeddings) == []


def running():
    return {one.model: one for one in client.ps().models}


def load_and_unload():
    for keep in [-1, "-1", "24h", 3600.0]:
        answer = client.generate(model=model, keep_alive=keep)
        assert answer.done and answer.done_reason == "load" and answer.response == ""
        one = running()[tagged]
        left = one.expires_at - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(minutes=29) < left <= datetime.timedelta(minutes=30), f"no client pins a model: {left}"
    assert one.size >= one.size_vram >= 0 and one.size > 0 and one.context_length >= 4096
    client.chat(model=model, messages=messages, keep_alive="5m", options={"num_predict": 1})
    left = running()[tagged].expires_at - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=4) < left <= datetime.timedelta(minutes=5)
    client.generate(model=model, prompt="x", keep_alive=0, options={"num_predict": 1})
    assert client.generate(model=model, prompt="", keep_alive=0).done_reason == "unload"
    assert tagged not in running(), "it is still loaded after an unload"
    assert client.chat(model=model, messages=[], keep_alive=0).done_reason == "unload", "unloading twice is no error"
    try:
        client.generate(model=model, keep_alive="soon")
        raise SystemExit("nonsense was taken as a time")
    except ollama.ResponseError as error:
        assert error.status_code == 400 and "keep_alive" in error.error


def errors():
    for ask in [
        lambda: client.chat(model="no-such-model", messages=messages),
        lambda: list(client.chat(model="no-such-model", messages=messages, stream=True)),
        lambda: client.show("no-such-model"),
    ]:
        try:
            ask()
            raise SystemExit("an unknown model was answered")
        except ollama.ResponseError as error:
            assert error.status_code == 404 and error.error == "model 'no-such-model' not found", error.error
    long = [{"role": "user", "content": "word " * 40_000}]
    try:
        client.chat(model=model, messages=long, options={"num_ctx": 1_000_000})
        raise SystemExit("a prompt that does not fit was cut in silence")
    except ollama.ResponseError as error:
        figures = [int(word) for word in error.error.replace(",", "").split() if word.isdigit()]
        assert error.status_code == 400 and len(figures) >= 2, error.error
    assert client.pull(tagged).status == "success"
    assert [part.status for part in client.pull(model, stream=True)][-1] == "success"
    for elsewhere in [lambda: client.pull("no-such-model"), lambda: client.delete(model), lambda: client.copy(model, "x")]:
        try:
            elsewhere()
            raise SystemExit("what is not done here was done")
        except ollama.ResponseError as error:
            assert error.status_code == 501 and "modelctl" in error.error, error.error


def open_webui():
    version = get("/api/version").json()["version"]
    assert all(part.isdigit() for part in version.split(".")), f"it takes the lowest of all servers: {version}"
    headers = {"X-OpenWebUI-User-Name": "u", "X-OpenWebUI-User-Role": "admin"}
    models = get("/api/tags", headers=headers).json()["models"]
    assert all(one["model"] == one["name"] for one in models) and tagged in [one["name"] for one in models]
    body = {"model": tagged, "messages": messages, "stream": True, "options": {"num_predict": 4}, "metadata": None}
    parts = lines(post("/api/chat", body, headers=headers))
    assert parts[-1]["done"] and "error" not in parts[-1]
    for one in get("/api/ps").json()["models"]:
        datetime.datetime.fromisoformat(one["expires_at"])
    assert post("/api/generate", {"model": tagged, "prompt": "", "keep_alive": 0}).json()["done_reason"] == "unload"
    assert get("/models").json()["object"] == "list", "its other side, on the same port"


def home_assistant():
    listed = [one["model"] for one in get("/api/tags").json()["models"]]
    assert tagged in listed, "it adds :latest, and pulls a name that the list lacks"
    body = {
        "model": tagged, "messages": [{"role": "system", "content": "You are a voice assistant."}, *messages],
        "stream": True, "keep_alive": -1, "think": False, "tools": None, "format": None, "options": {"num_ctx": 8192, "num_predict": 4},
    }
    parts = lines(post("/api/chat", body))
    assert all(part["message"]["role"] == "assistant" and isinstance(part["message"]["content"], str) for part in parts)
    refused = post("/api/chat", {**body, "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]})
    assert refused.status_code == 400 and "does not support tools" in refused.json()["error"], "tools vanished in silence"
    body["keep_alive"] = "300s"
    assert lines(post("/api/chat", body))[-1]["load_duration"] < 2_000_000_000, "num_ctx loaded the model again"


def zed():
    for one in get("/api/tags").json()["models"]:
        details = one["details"]
        for key in ["format", "family", "parameter_size", "quantization_level"]:
            assert isinstance(details[key], str), f"{key} is no text, and the list is refused"
        assert isinstance(one["size"], int) and isinstance(one["modified_at"], str) and isinstance(one["digest"], str)
    assert isinstance(post("/api/show", {"model": tagged}).json()["capabilities"], list)
    body = {"model": tagged, "messages": messages, "stream": True, "keep_alive": -1, "tools": [], "options": {"num_ctx": 4096, "num_predict": 3}}
    assert {part["message"]["role"] for part in lines(post("/api/chat", body))} == {"assistant"}


def vs_code():
    version = [int(part) for part in get("/api/version").json()["version"].split(".")]
    assert version >= [0, 18, 3], "it refuses older ones"
    for one in get("/api/tags").json()["models"]:
        shown = post("/api/show", {"model": one["model"]}).json()
        info = shown["model_info"]
        assert isinstance(shown["capabilities"], list), "the whole list fails"
        assert info["general.basename"] and info[f"{info['general.architecture']}.context_length"] > 0
    body = {"model": tagged, "messages": messages, "stream": True, "max_tokens": 2}
    assert post("/v1/chat/completions", body).text.rstrip().endswith("data: [DONE]")


def continue_dev():
    shown = post("/api/show", {"name": model}).json()
    assert isinstance(shown["parameters"], str) and ".Suffix" not in shown["template"]
    body = {"model": model, "prompt": "def f(", "raw": True, "keep_alive": 1800, "options": {"num_predict": 2, "num_ctx": 8192}}
    assert lines(post("/api/generate", body))[-1]["done"]


def n8n():
    empty = {"Authorization": "Bearer"}
    assert get("/api/tags", headers=empty).status_code == 200, "an empty key is none"
    assert get("/", headers=empty).text == "Ollama is running"
    assert httpx.head(url, timeout=120).status_code == 200


def langchain():
    listed = [one["model"] for one in get("/api/tags").json()["models"]]
    assert any(one == model or one.startswith(f"{model}:") for one in listed)
    # Members that are not set are null, and user and password of the address are Basic.
    options = {"temperature": 0.8, "num_predict": 3, "mirostat": None, "num_gpu": None, "repeat_last_n": 64, "tfs_z": None, "top_k": 40}
    body = {"model": model, "messages": messages, "stream": True, "options": options, "keep_alive": None, "format": None, "tools": []}
    assert lines(post("/api/chat", body, auth=("user", "password")))[-1]["done_reason"] in ("stop", "length")
    answer = post("/api/embed", {"model": model, "input": ["a", "b"], "truncate": True, "options": {}, "keep_alive": None})
    assert len(answer.json()["embeddings"]) == 2
    # And in OpenAI's dialect.
    body = {"model": model, "messages": messages, "n": 1, "max_tokens": 2, "stream": False}
    assert post("/v1/chat/completions", body).json()["choices"][0]["message"]["content"]


def routers():
    """llama-server's router and llama-swap."""
    assert get("/unload").text == "OK"
    assert get("/running").json() == {"running": []}
    assert get(f"/props?model={model}").json()["is_sleeping"] and get(f"/slots?model={model}").json() == []
    assert get("/running").json() == {"running": []}, "what only asks woke a model"
    assert post("/models/load", {"model": model}).json() == {"success": True}
    # It joins the load, and is answered when the model is there.
    client.generate(model=model)
    assert [one["state"] for one in get("/running").json()["running"] if one["model"] == model] == ["ready"]
    assert post("/models/load", {"model": model}).json()["error"]["message"] == "model is already running"
    props, slots = get(f"/props?model={model}").json(), get(f"/slots?model={model}").json()
    assert not props["is_sleeping"] and len(slots) == props["total_slots"] > 0 and not slots[0]["is_processing"]
    assert post("/models/unload", {"model": model}).json() == {"success": True}


for check in [lists, chat, generate, embed, load_and_unload, errors, open_webui, home_assistant, zed, vs_code, continue_dev, n8n, langchain, routers]:
    check()
print("all is well")
