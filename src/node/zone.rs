use super::Place;
use jiff::tz::TimeZone;
use std::io::Read;

/// The longest file of a time zone that is read, in bytes. The largest of the database have about 4 KiB.
const LONGEST: u64 = 64 << 10;

/// Returns the time zone of the node, in which logs without a zone are written; UTC where none is set.
pub fn local_zone(place: &Place) -> TimeZone {
    if place.is_machine() {
        return TimeZone::system();
    }
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(place.at("/etc/localtime")).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    match read.map(|_| TimeZone::tzif("localtime", &bytes)) {
        Ok(Ok(zone)) => zone,
        _ => TimeZone::UTC,
    }
}
