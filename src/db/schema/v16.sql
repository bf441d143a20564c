-- Step 16: changes of settings that a person recorded, with what was measured before and after (JSON objects).
CREATE TABLE tuning (
    id INTEGER PRIMARY KEY,
    knob TEXT NOT NULL,
    service TEXT,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    before TEXT NOT NULL CHECK (json_valid(before)),
    done TEXT CHECK (done IS NULL OR json_valid(done))
) STRICT;
