// The memory of a context in bytes by buffer type. llama.cpp returns a std::map, which no C binding can carry. The
// declarations repeat those of llama-ext.h of the release that Cargo.toml pins: compare them when that changes.

#include <cstddef>
#include <map>

struct llama_context;
struct ggml_backend_buffer_type;

struct llama_memory_breakdown_data {
    size_t model   = 0;
    size_t context = 0;
    size_t compute = 0;
};

std::map<ggml_backend_buffer_type *, llama_memory_breakdown_data> llama_get_memory_breakdown(const llama_context * ctx);

// Calls `take` once per buffer type. Returns false when llama.cpp failed.
extern "C" bool modelctl_memory_breakdown(
        const llama_context * ctx,
        void (*take)(void *, ggml_backend_buffer_type *, size_t, size_t, size_t),
        void * data) {
    try {
        for (const auto & [type, bytes] : llama_get_memory_breakdown(ctx)) {
            take(data, type, bytes.model, bytes.context, bytes.compute);
        }
        return true;
    } catch (...) {
        return false;
    }
}
