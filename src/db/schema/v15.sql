-- Step 15: the choices for the server of a model, a JSON object.
ALTER TABLE setting ADD COLUMN server TEXT CHECK (json_valid(server));
