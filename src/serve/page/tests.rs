use super::*;

fn preferred(accept: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, accept.parse().unwrap());
    is_preferred(&headers)
}

/// Ollama's clients look for its words at `/`, and would not find the server behind a page.
#[test]
fn a_browser_gets_the_page_and_a_program_gets_the_word() {
    for browser in [
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "text/html",
        "application/json;q=0.5, TEXT/HTML;q=0.9",
    ] {
        assert!(preferred(browser), "{browser}");
    }
    for program in [
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "text/html;q=0",
        "text/html;q=0.1,text/plain",
        "",
    ] {
        assert!(!preferred(program), "{program}");
    }
    assert!(!is_preferred(&HeaderMap::new()));
}

/// Whoever serves the page to others must not serve them scripts of strangers, or a page that grows without end.
#[test]
fn the_files_are_small_name_no_other_host_and_build_no_markup_of_texts() {
    let all: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() + INDEX.len();
    assert!(all <= 200 * 1024, "{all} bytes");
    let own = FILES.iter().filter(|(name, _)| !name.starts_with("uplot/"));
    let own = own.map(|(name, bytes)| (*name, std::str::from_utf8(bytes).unwrap())).chain([("index.html", INDEX)]);
    for (name, text) in own {
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "new Function",
            "import(",
        ] {
            assert!(!text.contains(forbidden), "{name}: {forbidden}");
        }
        // The name of the space of SVG is no address that anybody asks.
        let rest = text.replace("http://www.w3.org/2000/svg", "");
        for foreign in ["http://", "https://", "url(", "\"//", "@import"] {
            assert!(!rest.contains(foreign), "{name}: {foreign}");
        }
        assert!(!text.contains("style=\"") && !text.contains(" onclick="), "{name}: the policy forbids it");
    }
}

/// A module that is not in the binary is missing only in the browser.
#[test]
fn every_file_that_is_named_is_there_and_every_file_is_named() {
    let mut named = std::collections::BTreeSet::new();
    for (name, bytes) in FILES.iter().filter(|(name, _)| name.ends_with(".js") && !name.starts_with("uplot/")) {
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            if let Some((_, from)) = line.split_once("from \"./") {
                let file = from.split('"').next().unwrap();
                assert!(FILES.iter().any(|(known, _)| *known == file), "{name} asks for {file}");
                named.insert(file.to_owned());
            }
        }
    }
    for part in INDEX.split("/page/{assets}/").skip(1) {
        let file = part.split('"').next().unwrap();
        assert!(FILES.iter().any(|(known, _)| *known == file), "the page asks for {file}");
        named.insert(file.to_owned());
    }
    let unused: Vec<_> = FILES.iter().map(|(name, _)| *name).filter(|name| !named.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[tokio::test]
async fn a_file_of_another_version_is_not_there() {
    let ours = file(Path((HASH.clone(), "app.js".into()))).await;
    assert_eq!((ours.status(), ours.headers()[CACHE_CONTROL].to_str().unwrap()), (StatusCode::OK, FOR_EVER));
    let other = file(Path(("0123456789abcdef".into(), "app.js".into()))).await;
    assert_eq!((other.status(), other.headers().get(CACHE_CONTROL)), (StatusCode::NOT_FOUND, None));
    assert_eq!(file(Path((HASH.clone(), "../mod.rs".into()))).await.status(), StatusCode::NOT_FOUND);
}
