mod rules;
mod schedules;
mod world;
