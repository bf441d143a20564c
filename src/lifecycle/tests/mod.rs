mod idle;
mod incidents;
mod ladder;
mod rules;
mod schedules;
mod swaps;
mod watch;
mod world;
