//! The sources as the compiler sees them: which files are modules, and which paths and macros each of them names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// A path in the code: `crate::db::Db` and what resolves to it, or a path of another crate, segment by segment.
pub type CodePath = Vec<String>;

/// One file that is compiled into the program.
pub struct Source {
    /// Below `src`, with slashes.
    pub name: String,
    /// `["crate", "queue", "executor"]` for `queue/executor/mod.rs`.
    pub module: CodePath,
    pub paths: BTreeSet<CodePath>,
    /// Names of the macros that are called.
    pub macros: BTreeSet<String>,
}

impl Source {
    /// The folder or file below `src` that it belongs to.
    pub fn room(&self) -> &str {
        self.module.get(1).map_or("", String::as_str)
    }
}

/// All files below `src`, split into those of the program and those of its tests alone.
pub struct Sources {
    pub files: Vec<Source>,
    /// Below `src`: files that no `mod` declaration leads to.
    pub forgotten: Vec<String>,
}

impl Sources {
    pub fn read() -> Sources {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut walk = Walk { src: src.clone(), files: BTreeMap::new(), reached: BTreeSet::new() };
        walk.enter(&src.join("lib.rs"), vec!["crate".into()], false);
        walk.reached.insert(src.join("main.rs"));
        let forgotten = rust_files(&src).into_iter().filter(|file| !walk.reached.contains(file));
        let forgotten = forgotten.map(|file| file.strip_prefix(&src).unwrap().display().to_string()).collect();
        let modules: BTreeSet<CodePath> = walk.files.values().map(|source| source.module.clone()).collect();
        let mut files: Vec<Source> = walk.files.into_values().collect();
        for source in &mut files {
            source.paths = source.paths.iter().map(|path| absolute(path, &source.module, &modules)).collect();
        }
        Sources { files, forgotten }
    }

    /// The file whose module is the longest beginning of `path`.
    pub fn file_of(&self, path: &CodePath) -> Option<usize> {
        let fits = |source: &Source| path.starts_with(&source.module);
        (0..self.files.len()).filter(|i| fits(&self.files[*i])).max_by_key(|i| self.files[*i].module.len())
    }
}

pub fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

struct Walk {
    src: PathBuf,
    files: BTreeMap<PathBuf, Source>,
    reached: BTreeSet<PathBuf>,
}

impl Walk {
    fn enter(&mut self, file: &Path, module: CodePath, is_test: bool) {
        self.reached.insert(file.to_owned());
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let own_folder = match stem {
            "lib" | "mod" => file.parent().unwrap().to_owned(),
            _ => file.with_extension(""),
        };
        let mut seen = Seen { module: module.clone(), paths: BTreeSet::new(), macros: BTreeSet::new(), files: vec![] };
        seen.visit_file(&parsed);
        for (child, of_test, named) in seen.files {
            let name = child.last().unwrap();
            if let Some(named) = named {
                self.enter(&file.with_file_name(named), child, is_test || of_test);
                continue;
            }
            let inside = child[module.len()..child.len() - 1].iter().fold(own_folder.clone(), |at, part| at.join(part));
            let candidates = [inside.join(format!("{name}.rs")), inside.join(name).join("mod.rs")];
            let found = candidates.into_iter().find(|file| file.exists());
            let found = found.unwrap_or_else(|| panic!("{}: no file for `mod {name}`", file.display()));
            self.enter(&found, child, is_test || of_test);
        }
        if !is_test {
            let name = file.strip_prefix(&self.src).unwrap().to_string_lossy().into_owned();
            self.files.insert(file.to_owned(), Source { name, module, paths: seen.paths, macros: seen.macros });
        }
    }
}

/// What stands in one file outside its tests.
struct Seen {
    module: CodePath,
    paths: BTreeSet<CodePath>,
    macros: BTreeSet<String>,
    /// Modules in files of their own, whether they are for tests alone, and the file that `#[path]` names.
    files: Vec<(CodePath, bool, Option<String>)>,
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl Seen {
    fn note(&mut self, path: CodePath) {
        let relative = path.first().is_some_and(|first| first == "self" || first == "super");
        self.paths.insert(if relative { self.module.iter().cloned().chain(path).collect() } else { path });
    }

    fn use_tree(&mut self, tree: &syn::UseTree, before: &CodePath) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<CodePath>();
        match tree {
            syn::UseTree::Path(path) => self.use_tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.note(with(&name.ident)),
            syn::UseTree::Rename(rename) => self.note(with(&rename.ident)),
            syn::UseTree::Glob(_) => self.note(before.clone()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(tree, before)),
        }
    }

    /// Paths inside the arguments of a macro, which are not parsed: what follows `crate::` and `super::`.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut path = CodePath::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(ident) => {
                    let ident = ident.to_string();
                    if path.is_empty() || colons == 2 {
                        path.push(ident);
                    } else {
                        self.token_path(std::mem::replace(&mut path, vec![ident]));
                    }
                    colons = 0;
                }
                proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.token_path(std::mem::take(&mut path));
                    colons = 0;
                    if let proc_macro2::TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.token_path(path);
    }

    fn token_path(&mut self, path: CodePath) {
        if path.len() > 1 {
            self.note(path);
        }
    }
}

impl<'ast> Visit<'ast> for Seen {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        match item {
            syn::Item::Mod(module) if module.content.is_none() => {
                let child = self.module.iter().cloned().chain([module.ident.to_string()]).collect();
                let named = attributes.iter().find_map(|attribute| match &attribute.meta {
                    syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                        _ => None,
                    },
                    _ => None,
                });
                self.files.push((child, is_of_tests(attributes), named));
            }
            _ if is_of_tests(attributes) => {}
            syn::Item::Mod(module) => {
                self.module.push(module.ident.to_string());
                visit::visit_item(self, item);
                self.module.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &CodePath::new());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_of_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.note(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last() {
            self.macros.insert(last.ident.to_string());
        }
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

/// Resolves `self`, `super` and children of the own module.
fn absolute(path: &CodePath, module: &CodePath, modules: &BTreeSet<CodePath>) -> CodePath {
    if path.first().is_some_and(|first| first != "crate") {
        let of_child: CodePath = module.iter().cloned().chain(path.first().cloned()).collect();
        if modules.contains(&of_child) {
            return module.iter().chain(path).cloned().collect();
        }
    }
    let mut resolved = CodePath::new();
    for part in path {
        match part.as_str() {
            "self" => {}
            "super" => drop(resolved.pop()),
            _ => resolved.push(part.clone()),
        }
    }
    resolved
}
