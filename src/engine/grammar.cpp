// Checks whether llama.cpp follows a grammar in time. Its C interface only makes samplers, which do not count their
// stacks. The declarations repeat those of llama-grammar.h of the release that Cargo.toml pins: compare them when that
// changes.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <time.h>
#include <vector>

struct llama_vocab;
struct llama_grammar;

enum llama_gretype {
    LLAMA_GRETYPE_END            = 0,
    LLAMA_GRETYPE_ALT            = 1,
    LLAMA_GRETYPE_RULE_REF       = 2,
    LLAMA_GRETYPE_CHAR           = 3,
    LLAMA_GRETYPE_CHAR_NOT       = 4,
    LLAMA_GRETYPE_CHAR_RNG_UPPER = 5,
    LLAMA_GRETYPE_CHAR_ALT       = 6,
    LLAMA_GRETYPE_CHAR_ANY       = 7,
    LLAMA_GRETYPE_TOKEN          = 8,
    LLAMA_GRETYPE_TOKEN_NOT      = 9,
};

struct llama_grammar_element {
    enum llama_gretype type;
    uint32_t           value;
};

using llama_grammar_rule   = std::vector<llama_grammar_element>;
using llama_grammar_stack  = std::vector<const llama_grammar_element *>;
using llama_grammar_rules  = std::vector<llama_grammar_rule>;
using llama_grammar_stacks = std::vector<llama_grammar_stack>;

struct llama_grammar_parser {
    const llama_vocab * vocab;
    std::map<std::string, uint32_t> symbol_ids;
    llama_grammar_rules rules;

    llama_grammar_parser(const struct llama_vocab * vocab = nullptr) : vocab(vocab) {}

    llama_grammar_stack c_rules() const;
    const char * parse_rule(const char * src);
};

llama_grammar_stacks & llama_grammar_get_stacks(struct llama_grammar * grammar);
void llama_grammar_accept(struct llama_grammar * grammar, uint32_t chr);
struct llama_grammar * llama_grammar_init_impl(
        const struct llama_vocab * vocab, const llama_grammar_element ** rules, size_t n_rules, size_t start_rule_index);
void llama_grammar_free_impl(struct llama_grammar * grammar);

namespace {

// The largest number of ways to continue from one place, and at one time. llama.cpp compares each with each, in every
// step.
constexpr uint64_t MOST_WAYS = 5000;
// Seconds of CPU time that following the grammar may take here.
constexpr double MOST_SECONDS = 1.0;
constexpr size_t MOST_RULES = 50000;
// The number of characters with which a grammar is tried, and the number of trials.
constexpr int TRIAL = 200;
constexpr uint32_t TRIALS = 4;

bool is_end(const llama_grammar_element & element) {
    return element.type == LLAMA_GRETYPE_END || element.type == LLAMA_GRETYPE_ALT;
}

bool is_continuation(const llama_grammar_element & element) {
    return element.type == LLAMA_GRETYPE_CHAR_ALT || element.type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
}

// The ways into each rule: the number of characters with which it can begin, and whether it can be empty.
struct Ways {
    const llama_grammar_rules & rules;
    std::vector<uint64_t> first;
    std::vector<uint64_t> walked;
    std::vector<bool> empty;
    std::vector<int> state; // 0 new, 1 in progress, 2 done
    bool loops = false;

    explicit Ways(const llama_grammar_rules & rules)
        : rules(rules), first(rules.size()), walked(rules.size()), empty(rules.size()), state(rules.size()) {}

    static uint64_t add(uint64_t a, uint64_t b) {
        const uint64_t most = 1000 * 1000 * 1000;
        return a + b > most ? most : a + b;
    }

    // Computes the ways into the rule `start` and into the rules that it needs. Sets `loops` when a rule begins with
    // itself.
    void know(size_t start) {
        // Not recursive: a repetition is a chain of thousands of rules.
        std::vector<size_t> todo{start};
        while (!todo.empty()) {
            const size_t rule = todo.back();
            if (state[rule] == 2) {
                todo.pop_back();
                continue;
            }
            state[rule] = 1;
            uint64_t ways = 0, steps = 1;
            bool can_be_empty = false, waits = false, reached = true;
            for (const auto & element : rules[rule]) {
                if (is_end(element)) {
                    can_be_empty = can_be_empty || reached;
                    reached = true;
                } else if (!reached || is_continuation(element)) {
                    continue;
                } else if (element.type == LLAMA_GRETYPE_RULE_REF) {
                    const size_t other = element.value;
                    if (state[other] == 1) {
                        loops = true;
                        return;
                    }
                    if (state[other] == 0) {
                        todo.push_back(other);
                        waits = true;
                        break;
                    }
                    ways  = add(ways, first[other]);
                    steps = add(steps, walked[other]);
                    reached = empty[other];
                } else {
                    ways = add(ways, 1);
                    reached = false;
                }
            }
            if (waits) {
                continue;
            }
            first[rule] = ways;
            walked[rule] = steps;
            empty[rule] = can_be_empty;
            state[rule] = 2;
            todo.pop_back();
        }
    }
};

// Returns a character that an element accepts.
uint32_t taken(const llama_grammar_element * element, uint32_t number) {
    if (element->type == LLAMA_GRETYPE_CHAR) {
        const bool is_range = element[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER && element[1].value > element->value;
        return is_range ? element->value + number % (element[1].value - element->value + 1) : element->value;
    }
    // Any character, or any except a few.
    return 'a' + number % 26;
}

double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return double(time.tv_sec) + double(time.tv_nsec) / 1e9;
}

const char * follow(llama_grammar * grammar) {
    const double end = processor_seconds() + MOST_SECONDS;
    uint32_t number = 1;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        const llama_grammar_stacks at_first = llama_grammar_get_stacks(grammar);
        for (int step = 0; step < TRIAL; step++) {
            auto & stacks = llama_grammar_get_stacks(grammar);
            if (stacks.size() > MOST_WAYS || processor_seconds() > end) {
                return "it has too many ways to go on";
            }
            std::vector<const llama_grammar_element *> next;
            for (const auto & stack : stacks) {
                if (!stack.empty() && stack.back()->type != LLAMA_GRETYPE_TOKEN && stack.back()->type != LLAMA_GRETYPE_TOKEN_NOT) {
                    next.push_back(stack.back());
                }
            }
            if (next.empty()) {
                break;
            }
            number = number * 1664525 + 1013904223;
            // In the first trial the first way, which contains most repetitions; later any of them.
            const size_t which = trial == 0 ? 0 : (number >> 8) % next.size();
            llama_grammar_accept(grammar, taken(next[which], number >> 16));
        }
        llama_grammar_get_stacks(grammar) = at_first;
    }
    return nullptr;
}

// Does what llama_grammar_parser::parse does, which does not return the reason of a failure.
void read(llama_grammar_parser & parser, const char * text) {
    const char * at = text;
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == '#') {
        if (*at == '#') {
            at += std::strcspn(at, "\r\n");
        } else {
            at++;
        }
    }
    while (*at) {
        at = parser.parse_rule(at);
    }
    for (const auto & [name, id] : parser.symbol_ids) {
        if (id >= parser.rules.size() || parser.rules[id].empty()) {
            throw std::runtime_error("there is no rule `" + name + "`");
        }
    }
}

const char * judge(const llama_grammar_parser & parser, const char * root) {
    const auto symbol = parser.symbol_ids.find(root);
    if (symbol == parser.symbol_ids.end()) {
        return "it has no rule `root`";
    }
    if (parser.rules.size() > MOST_RULES) {
        return "it has too many rules";
    }
    Ways ways(parser.rules);
    for (size_t rule = 0; rule < parser.rules.size(); rule++) {
        ways.know(rule);
        if (ways.loops) {
            return "a rule begins with itself (left recursion)";
        }
        // llama.cpp walks along all of them when it checks for left recursion.
        if (ways.first[rule] > MOST_WAYS || ways.walked[rule] > 20 * MOST_WAYS) {
            return "it has too many ways to go on";
        }
    }
    auto rules = parser.c_rules();
    llama_grammar * grammar = llama_grammar_init_impl(nullptr, rules.data(), rules.size(), symbol->second);
    if (grammar == nullptr) {
        return "a rule begins with itself (left recursion)";
    }
    const char * why = follow(grammar);
    llama_grammar_free_impl(grammar);
    return why;
}

} // namespace

// Returns false when the grammar must not be used, with the reason in `why`.
extern "C" bool modelctl_check_grammar(const char * text, const char * root, char * why, size_t size) {
    const char * reason = nullptr;
    try {
        llama_grammar_parser parser;
        read(parser, text);
        reason = judge(parser, root);
    } catch (const std::exception & error) {
        // Tokens by their names, `<think>`, can be read only with a vocabulary.
        if (std::strstr(error.what(), "vocab") != nullptr) {
            return true;
        }
        std::snprintf(why, size, "%s", error.what());
        return false;
    }
    if (reason != nullptr) {
        std::snprintf(why, size, "%s", reason);
    }
    return reason == nullptr;
}
