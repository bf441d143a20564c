use super::*;

fn a_report() -> Report {
    let limits = Limits::default();
    let checks = vec![
        Check::ok(CheckName::Endpoints, "llama", "ready").measured("time", 0.004, &limits),
        Check::ok(CheckName::Disk, "/", "45 % free").measured("disk_free", 45.5, &limits),
        Check::ok(CheckName::Disk, "/", "90 % of inodes free").measured("inodes_free", 90.0, &limits),
        Check::warning(CheckName::Models, "a|'b=\"\\\nc", "x|y", "why\nnot"),
    ];
    Report::new(Level::Ready, NOW, 12, checks)
}

/// A monitoring system reads the first line up to `|` as text and the rest as values.
#[test]
fn the_line_of_a_plugin_is_by_the_guideline() {
    let healthy = Report::new(
        Level::Ready,
        NOW,
        1,
        vec![
            Check::ok(CheckName::Endpoints, "llama", "ready").measured("time", 0.004, &Limits::default()),
            Check::ok(CheckName::Services, "api", "RUNNING"),
            Check::ok(CheckName::Services, "w", "RUNNING"),
        ],
    );
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(&nagios(&healthy)), "MODELCTL OK - 3 services ready | 'llama_time'=0.004s;;;0");
    let odd = nagios(&a_report());
    let line = first(&odd);
    let (text, data) = line.split_once(" | ").unwrap();
    assert!(text.starts_with("MODELCTL WARNING - ") && !text.contains('|'), "{text}");
    assert_eq!(data, "'llama_time'=0.004s;;;0 '/_disk_free'=45.5%;5:;2:;0;100 '/_inodes_free'=90%;5:;2:;0;100");
    assert_eq!(odd.lines().count(), 5, "{odd}");
    assert_eq!(nagios_failure("error: no such\nthing"), "MODELCTL UNKNOWN - no such\n");
}

#[test]
fn numbers_have_no_exponent() {
    for (value, text) in [
        (0.0, "0"),
        (1e-9, "0"),
        (-1e-9, "0"),
        (0.0005, "0.001"),
        (1e15, "1000000000000000"),
        (45.5, "45.5"),
        (10.0, "10"),
    ] {
        assert_eq!(number(value), text);
    }
}

/// node_exporter skips the whole file for one bad line, for a series that comes twice, and for a timestamp.
#[test]
fn the_textfile_is_read_by_a_parser() {
    let text = prometheus(&a_report());
    assert!(text.ends_with('\n'));
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).unwrap();
    let mut series: Vec<String> =
        scrape.samples.iter().map(|sample| format!("{}{:?}", sample.metric, sample.labels)).collect();
    let count = series.len();
    series.sort();
    series.dedup();
    assert_eq!((series.len(), count), (8, 8), "{text}");
    for name in ["status", "value", "duration_seconds", "last_run_timestamp_seconds"] {
        assert!(text.contains(&format!("# HELP modelctl_health_{name} ")), "{text}");
        assert!(text.contains(&format!("# TYPE modelctl_health_{name} gauge\n")), "{text}");
    }
    assert!(text.contains("modelctl_health_status{check=\"models\",target=\"a|'b=\\\"\\\\\\nc\"} 1\n"), "{text}");
    assert!(
        text.contains(
            "modelctl_health_value{check=\"disk\",target=\"/\",metric=\"disk_free\",unit=\"percent\"} 45.5\n"
        )
    );
    assert!(text.contains("modelctl_health_last_run_timestamp_seconds 1000000\n"), "{text}");
}

#[test]
fn the_document_is_by_the_draft() {
    let document = health_json(&a_report());
    assert_eq!(document["status"], "warn");
    let disk = &document["checks"]["/:disk_free"][0];
    assert_eq!((disk["observedValue"].as_f64(), disk["observedUnit"].as_str()), (Some(45.5), Some("percent")));
    assert_eq!((disk["componentType"].as_str(), disk["status"].as_str()), (Some("system"), Some("pass")));
    assert_eq!(disk.get("output"), None);
    let unknown = Report::new(Level::Ready, NOW, 1, vec![Check::unknown(CheckName::Gpu, "node", "x", "y")]);
    let document = health_json(&unknown);
    assert_eq!(
        (document["status"].as_str(), document["checks"]["node:gpu"][0]["output"].as_str()),
        (Some("fail"), Some("unknown: x: y"))
    );
}

/// Docker keeps 4,096 bytes: what is wrong must be in them.
#[test]
fn a_report_is_shortened_to_its_worst_checks() {
    let report = a_report().shortened(1);
    assert_eq!((report.checks.len(), report.left_out, report.status), (1, 3, Status::Warning));
    assert_eq!(report.checks[0].status, Status::Warning);
    assert!(nagios(&report).ends_with("and 3 more\n"));
}

/// "203 more" in an alert, where 39 are, sends somebody to the wrong place.
#[test]
fn a_shortened_report_counts_what_is_as_bad() {
    let check = |n: usize| match n < 40 {
        true => Check::critical(CheckName::Services, &format!("bad{n:03}"), "FATAL", "it exited"),
        false => Check::ok(CheckName::Services, &format!("good{n:03}"), "RUNNING"),
    };
    let report = Report::new(Level::Ready, NOW, 1, (0..200).map(check).collect());
    for report in [report.shortened(25), report] {
        assert!(report.summary().ends_with("(and 39 more)"), "{}", report.summary());
    }
}
