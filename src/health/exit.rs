use super::Status;

/// The largest output in bytes that Docker keeps of a check; longer ones are cut.
pub const MOST_OUTPUT: usize = 4_096;

/// Whose exit codes are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// Those of the other commands.
    #[default]
    Plain,
    /// Those of the Monitoring Plugins: Nagios, Icinga, Zabbix and others.
    Nagios,
    /// 0 or 1: other codes are reserved.
    Docker,
    /// 0 or 1: every other code restarts the pod or takes it out of service.
    Kubernetes,
}

impl Style {
    pub const ALL: &[Style] = &[Style::Plain, Style::Nagios, Style::Docker, Style::Kubernetes];

    pub fn name(self) -> &'static str {
        match self {
            Style::Plain => "plain",
            Style::Nagios => "nagios",
            Style::Docker => "docker",
            Style::Kubernetes => "kubernetes",
        }
    }

    pub fn named(name: &str) -> Option<Style> {
        Style::ALL.iter().copied().find(|style| style.name() == name)
    }

    /// Returns the exit code of a status. `is_strict`: a warning fails where it would pass.
    pub fn code(self, status: Status, is_strict: bool) -> u8 {
        match (self, status) {
            (Style::Nagios, status) => status.number(),
            (_, Status::Ok) => 0,
            (_, Status::Warning) => u8::from(is_strict),
            (_, Status::Critical | Status::Unknown) => 1,
        }
    }

    /// Returns the exit code in place of `plain` for a run without a status: usage, a bad config, nothing to check.
    pub fn failure(self, plain: u8) -> u8 {
        match self {
            Style::Plain => plain,
            // A signal is not an answer of the check.
            _ if plain > 128 => plain,
            Style::Nagios => Status::Unknown.number(),
            Style::Docker | Style::Kubernetes => u8::from(plain != 0),
        }
    }

    /// Returns the exit code of `--help` and `--version`. A plugin that only prints its help has checked nothing.
    pub fn help(self) -> u8 {
        if self == Style::Nagios { Status::Unknown.number() } else { 0 }
    }

    /// Returns the number of bytes that its caller takes; None: as many as there are.
    pub fn most_output(self) -> Option<usize> {
        matches!(self, Style::Docker | Style::Kubernetes).then_some(MOST_OUTPUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of docs/health.md. A wrong code restarts a pod that only warned, or leaves a dead service in place.
    #[test]
    fn the_exit_codes_are_those_of_the_table() {
        let statuses = [Status::Ok, Status::Warning, Status::Critical, Status::Unknown];
        for (style, codes, strict_warning, usage, config, help) in [
            (Style::Plain, [0, 0, 1, 1], 1, 2, 3, 0),
            (Style::Nagios, [0, 1, 2, 3], 1, 3, 3, 3),
            (Style::Docker, [0, 0, 1, 1], 1, 1, 1, 0),
            (Style::Kubernetes, [0, 0, 1, 1], 1, 1, 1, 0),
        ] {
            assert_eq!(statuses.map(|status| style.code(status, false)), codes, "{}", style.name());
            assert_eq!(style.code(Status::Warning, true), strict_warning);
            assert_eq!((style.failure(2), style.failure(3), style.help()), (usage, config, help));
            assert_eq!(style.failure(130), 130, "interrupted");
            assert_eq!(Style::named(style.name()), Some(style));
        }
    }
}
