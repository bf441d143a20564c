//! supervisord: its answers by XML-RPC or as text, its config files, its main log. Formats: supervisor 4.3's `rpcinterface.py`,
//! `options.py` and `states.py`.

mod types;

pub use types::*;
