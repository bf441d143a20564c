//! The loop: what happens goes into the state, what the state wants goes to the daemon, and the screen is drawn.

use super::super::{Exit, stop_on_signals};
use super::draw::{Theme, draw};
use super::link::{Input, Link};
use super::local_clock;
use super::state::{Action, Event, State};
use crate::clock;
use crate::config::Config;
use crate::failure::{Failure, Kind, OrFail};
use crate::supervise::StopSignal;
use crate::ui::{Screen, ScreenEvent};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The time after which times that pass are drawn anew.
const TICK: Duration = Duration::from_secs(1);
/// The time after which the thread that waits for a signal looks again.
const LOOK: Duration = Duration::from_secs(3_600);

pub fn run(config: &Config, theme: Theme) -> anyhow::Result<Exit> {
    let no_thread = || Failure::new(Kind::Bug, "cannot start a thread");
    let stop = stop_on_signals()?;
    let (inbox, inputs) = channel();
    let mut state = State::new(local_clock());
    let mut screen = Screen::open().or_fail(|| Failure::cannot_meet("cannot use the terminal"))?;
    let link = Link::start(config, &inbox, &stop).or_fail(no_thread)?;
    let heard = inbox.clone();
    // The loop has ended when nobody takes what is sent.
    Screen::listen(move |event| drop(heard.send(Input::Screen(event)))).or_fail(no_thread)?;
    tell_of_stop(stop, inbox).or_fail(no_thread)?;
    loop {
        screen.draw(|frame| draw(frame, &state, theme)).or_fail(|| Failure::cannot_meet("cannot draw"))?;
        let first = match inputs.recv_timeout(TICK) {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Done),
        };
        state.apply(Event::Tick(clock::now()));
        for input in first.into_iter().chain(inputs.try_iter()) {
            let action = match input {
                Input::Stop => return Ok(Exit::Done),
                Input::Event(event) => {
                    state.apply(event);
                    None
                }
                Input::Screen(ScreenEvent::Key(key)) => state.key(key),
                Input::Screen(ScreenEvent::Resized) => None,
                Input::Screen(ScreenEvent::Continued) => {
                    screen.resume().or_fail(|| Failure::cannot_meet("cannot use the terminal"))?;
                    None
                }
                Input::Screen(ScreenEvent::Lost(error)) => {
                    return Err(error).or_fail(|| Failure::cannot_meet("cannot read keys from the terminal"));
                }
            };
            match action {
                None => {}
                Some(Action::Quit) => return Ok(Exit::Done),
                Some(Action::Suspend) => {
                    screen.suspend().or_fail(|| Failure::cannot_meet("cannot use the terminal"))?;
                }
                Some(Action::Redraw) => screen.redraw().or_fail(|| Failure::cannot_meet("cannot draw"))?,
                Some(Action::Do(order)) => {
                    let key = order.key.clone();
                    if let Err(error) = link.carry_out(order) {
                        state.apply(Event::Ended(key, Err(vec![format!("cannot start a thread: {error}")])));
                    }
                }
            }
        }
        for query in state.wants() {
            link.ask(query);
        }
    }
}

/// Tells the loop of SIGINT and SIGTERM.
fn tell_of_stop(stop: StopSignal, inbox: Sender<Input>) -> std::io::Result<()> {
    let wait = move || {
        while stop.wait_timeout(LOOK).is_none() {}
        // The loop has ended when nobody takes it.
        drop(inbox.send(Input::Stop));
    };
    std::thread::Builder::new().name("stop".into()).spawn(wait).map(drop)
}
