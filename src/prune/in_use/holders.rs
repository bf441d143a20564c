//! Who has a file in use, one by one.

use super::{Asked, InUse, candidate, locks, paths, places_of};
use crate::host::open_files::User;
use crate::model::{Reading, StoreKind};

/// Whoever has a file in use. Names are not escaped for terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    Process(User),
    /// A server that says that it has a model loaded: the server, and the name that it gives the model.
    Server {
        server: String,
        model: Option<String>,
    },
    /// A download that holds the lock of the file; who does it, in words.
    Download(String),
}

impl InUse {
    /// Returns all that is known to use a file. Empty where nothing is, and where nothing could be read: see
    /// [`InUse::notes`].
    pub fn holders(&self, file: &Asked<'_>) -> Vec<Holder> {
        let Some(now) = self.now(file) else { return Vec::new() };
        let mut all = Vec::new();
        if let Reading::Known(found) = &self.processes {
            let users = now.iter().flat_map(|(dev, ino)| found.users(*dev, *ino));
            all.extend(users.cloned().map(Holder::Process));
        }
        for place in places_of(file) {
            if let Some(Some(locks::Held::Yes(by))) = self.locks.known().map(|locks| locks.get(&place)) {
                all.push(Holder::Download(by.clone()));
            }
        }
        if let (StoreKind::Ollama, Some(Reading::Known(loaded))) = (file.store, &self.ollama) {
            let model = loaded.needs(file.name, paths(file));
            let server = |name: &str| Holder::Server { server: "ollama".to_owned(), model: Some(name.to_owned()) };
            all.extend(model.map(server));
        }
        let candidate = candidate(file, now);
        for server in &self.servers {
            let running = server.running.known().map(Vec::as_slice).unwrap_or_default();
            if let Some(running) = running.iter().find(|running| running.is(&candidate)) {
                let model = running.only_name().map(str::to_owned);
                all.push(Holder::Server { server: server.address.clone(), model });
            }
        }
        all
    }
}
