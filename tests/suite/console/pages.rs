//! Pages and what stands beside them on the same port.

use crate::village::village;
use kith_proto::v1;
use kith_tests::{
    http::{call, request},
    programs::root,
    raw::Raw,
    server::{Server, kithd},
};
use std::fs;
use tonic::Code;

#[test]
fn a_browser_gets_the_console_if_it_is_built_and_an_honest_answer_otherwise() {
    let server = Server::start();
    let is_built = root().join("client/web/dist/index.html").exists();
    for path in ["/", "/index.html"] {
        let got = request(&server.url(), "GET", path, &[], b"");
        if is_built {
            assert_eq!((got.status, got.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
            assert_eq!(got.header("cache-control"), "no-cache");
            let known = [("if-none-match", got.header("etag"))];
            assert_eq!(request(&server.url(), "GET", path, &known, b"").status, 304, "{path}");
            let packed = request(&server.url(), "GET", path, &[("accept-encoding", "gzip, br")], b"");
            assert!(packed.header("vary").contains("accept-encoding"));
        } else {
            assert_eq!(got.status, 404, "{path}");
            assert!(got.text().contains("built without the console"), "{}", got.text());
        }
        assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        let head = request(&server.url(), "HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (got.status, 0));
        assert_eq!(head.header("content-length"), got.body.len().to_string());
    }
}

#[test]
fn what_is_not_there_is_not_found_and_no_page_is_framed_or_guessed() {
    let server = Server::start();
    for path in ["/nothing", "/assets/", "/..%2f..%2fowner.token", "/owner.token", "/v1", "/feeds", "/metrics"] {
        let got = request(&server.url(), "GET", path, &[], b"");
        assert_eq!((got.status, got.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
        assert!(got.text().starts_with("nothing is here"), "{path}: {}", got.text());
        for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")] {
            assert_eq!(got.header(name), value, "{path}");
        }
        assert!(got.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(got.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_made_as_before_beside_the_pages() {
    let (server, _) = village();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let head = raw.head().await.unwrap();
    let bearer = format!("Bearer {}", server.token());
    let message = v1::HeadRequest { network: "default".into() };
    let path = "/kith.v1.LogService/Head";
    let url = server.url();
    let web = move |headers: Vec<(&'static str, String)>| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        call::<_, v1::HeadResponse>(&url, path, &headers, &message)
    };
    assert_eq!(web(vec![("authorization", bearer.clone())]).unwrap(), head);
    assert_eq!(web(vec![]).unwrap_err(), Code::Unauthenticated);
    // A foreign page with a token of its own is not the cookie's concern: it fails for lack of permission to read.
    let foreign = vec![("authorization", bearer), ("origin", "https://evil.example".to_owned())];
    assert_eq!(web(foreign).unwrap(), head);
    let got = request(&server.url(), "GET", path, &[], b"");
    assert!((400..500).contains(&got.status), "a call is no page: {}", got.status);
}

#[test]
fn the_console_can_be_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("kith.toml");
    fs::write(&config, "[console]\nenabled = false\n").unwrap();
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let bearer = format!("Bearer {}", server.token());
    let session = [("x-kith-console", "1"), ("authorization", bearer.as_str())];
    for (method, path) in
        [("GET", "/"), ("HEAD", "/"), ("GET", "/index.html"), ("POST", "/session"), ("GET", "/session")]
    {
        let got = request(&server.url(), method, path, &session, b"");
        assert_eq!((got.status, got.header("set-cookie")), (404, ""), "{method} {path}");
        assert!(method == "HEAD" || got.text().contains("switched off"), "{}", got.text());
    }
    server.cli().run(&["console", "--print"]).exits(4).says("console.enabled");
    let options: v1::SignInOptionsResponse =
        call(&server.url(), "/kith.v1.SessionService/SignInOptions", &[], &v1::SignInOptionsRequest {}).unwrap();
    assert_eq!(options.options.iter().map(v1::SignInOption::kind).collect::<Vec<_>>(), [v1::SignInKind::Token]);
    server.cli().run(&["head"]).ok();
}

#[test]
fn settings_of_the_console_are_checked() {
    for (settings, problem) in [
        ("session_hours = 0", "console.session_hours"),
        ("session_hours = 745", "console.session_hours"),
        ("on = true", "console.on"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("kith.toml");
        fs::write(&config, format!("[console]\n{settings}\n")).unwrap();
        kithd(&["config", "--config", config.to_str().unwrap()]).exits(2).says(problem);
    }
    let shown = kithd(&["config", "--data", "/tmp/x"]).ok();
    assert!(shown.stdout.contains("[console]\nenabled = true\nsession_hours = 12"), "{}", shown.stdout);
}
