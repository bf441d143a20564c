use super::*;

fn no_gpus() -> Gpus {
    Gpus {
        module_version: None,
        library_version: None,
        nodes: vec![],
        has_nouveau: false,
        nvml: fact(Nvml { code: 12, ..Nvml::default() }),
        stuck: None,
        amd: vec![],
    }
}

/// A node without a GPU is healthy unless it must have one; a driver that is there and does not work is never green.
#[test]
fn a_gpu_is_missed_only_where_it_must_be_there() {
    let status = |value: Gpus, is_required| {
        let checks = gpus(&fact(value), is_required, &Limits::default());
        checks.iter().map(|check| check.status).max()
    };
    assert_eq!(status(no_gpus(), false), None);
    assert_eq!(status(no_gpus(), true), Some(Status::Critical));
    let driver = |nvml| Gpus { module_version: Some("550".into()), nvml, ..no_gpus() };
    assert_eq!(status(driver(fact(Nvml { code: 18, ..Nvml::default() })), false), Some(Status::Critical));
    assert_eq!(status(driver(fact(Nvml { code: 4, ..Nvml::default() })), false), Some(Status::Unknown));
    let late = Fact::new("NVML", NOW, Outcome::TimedOut { why: "late".into() });
    assert_eq!(status(driver(late), false), Some(Status::Critical));
    let card = |device| driver(fact(Nvml { devices: vec![device], ..Nvml::default() }));
    assert_eq!(status(card(Device::default()), true), Some(Status::Ok));
    assert_eq!(status(card(Device { code: 15, ..Device::default() }), false), Some(Status::Critical));
    assert_eq!(
        status(card(Device { clock_events: vec![0x40, 0x40], ..Device::default() }), false),
        Some(Status::Warning)
    );
    assert_eq!(status(card(Device { clock_events: vec![4, 4], ..Device::default() }), false), Some(Status::Ok));
}

fn a_disk(available: u64) -> Disk {
    Disk {
        mount_point: "/srv".into(),
        source: "/dev/x".into(),
        kind: "ext4".into(),
        holds: vec!["models".into()],
        total: 100,
        available,
        inodes: 1_000,
        inodes_available: 500,
        is_read_only: false,
        is_super_read_only: false,
        is_network: false,
        largest: vec![],
        crowded: None,
        deleted_open: vec![],
    }
}

#[test]
fn a_disk_has_room_and_inodes() {
    let status = |disk: Disk| super::disk(&fact(disk), &Limits::default()).iter().map(|check| check.status).max();
    assert_eq!(status(a_disk(6)), Some(Status::Ok));
    assert_eq!(status(a_disk(4)), Some(Status::Warning));
    assert_eq!(status(a_disk(1)), Some(Status::Critical));
    assert_eq!(status(Disk { inodes_available: 0, ..a_disk(50) }), Some(Status::Critical));
    assert_eq!(status(Disk { inodes: 0, inodes_available: 0, ..a_disk(50) }), Some(Status::Ok), "btrfs has no number");
    assert_eq!(status(Disk { is_super_read_only: true, ..a_disk(50) }), Some(Status::Critical));
    let image = Disk { is_read_only: true, is_super_read_only: true, ..a_disk(0) };
    assert_eq!(status(image.clone()), Some(Status::Ok), "models on a full image are as they should be");
    assert_eq!(status(Disk { holds: vec!["database".into()], ..image }), Some(Status::Critical));
    assert_eq!(super::disk(&denied(), &Limits::default())[0].status, Status::Unknown);
}
