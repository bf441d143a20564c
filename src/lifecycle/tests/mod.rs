mod idle;
mod rules;
mod schedules;
mod world;
