//! Sessions of browsers: what opens one, what it is good for, and what ends it.

use crate::village::{token, village};
use kith_core::timestamp::Timestamp;
use kith_proto::v1;
use kith_tests::{
    events::NOON,
    http::{Answer, begin, call, request},
    node::{InProcess, SetClock},
    raw::Raw,
    server::Server,
};
use tonic::Code;

const WHO_AM_I: &str = "/kith.v1.SessionService/WhoAmI";

/// Begins a session with a token's secret.
fn sign_in(url: &str, secret: &str) -> Answer {
    let bearer = format!("Bearer {secret}");
    request(url, "POST", "/session", &[("x-kith-console", "1"), ("authorization", &bearer)], b"")
}

/// Begins a session with a code.
fn redeem(url: &str, code: &str) -> Answer {
    request(url, "POST", "/session", &[("x-kith-console", "1")], format!("code={code}").as_bytes())
}

/// The cookie of an answer, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, 204, "{}", answer.text());
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Who is signed in with a cookie, and what else a browser says.
fn who(url: &str, cookie: &str, more: &[(&str, &str)]) -> Result<v1::WhoAmIResponse, Code> {
    let headers = [&[("cookie", cookie)], more].concat();
    call(url, WHO_AM_I, &headers, &v1::WhoAmIRequest::default())
}

#[test]
fn a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let (server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "recorder", "--person", "amina", "--organisation", "riverside"]);
    let answer = sign_in(&server.url(), &secret);
    assert_eq!(answer.header("cache-control"), "no-store");
    let set = answer.header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.split("; ").any(|part| part == attribute), "{attribute}: {set}");
    }
    assert!(set.starts_with("kith-") && !set.contains("Secure") && !set.contains("Domain"), "{set}");
    assert!(!set.contains(&secret), "the secret stays with its holder: {set}");
    let me = who(&server.url(), &cookie(&answer), &[]).unwrap();
    let credential = me.credential.clone().unwrap();
    assert_eq!(
        (me.principal.as_str(), me.person.as_str(), me.organisation.as_str()),
        ("person:amina", "amina", "riverside")
    );
    assert_eq!((credential.id.as_str(), credential.kind()), (id.as_str(), v1::CredentialKind::Token));
    assert!(credential.session_ends_at.is_some());

    let bearer = format!("Bearer {secret}");
    let proxied = [("x-kith-console", "1"), ("authorization", bearer.as_str()), ("x-forwarded-proto", "https")];
    let secure = request(&server.url(), "POST", "/session", &proxied, b"");
    let set = secure.header("set-cookie");
    assert!(set.starts_with("__Host-kith-") && set.contains("; Secure"), "{set}");
    assert_eq!(who(&server.url(), &cookie(&secure), &[]).unwrap().principal, "person:amina");

    let other = Server::start();
    let strangers = cookie(&sign_in(&other.url(), &other.token()));
    assert_ne!(strangers.split('=').next(), cookie(&answer).split('=').next(), "two servers on one host");
    assert_eq!(who(&server.url(), &strangers, &[]).unwrap_err(), Code::Unauthenticated);
    let forged = strangers.replace(strangers.split('=').next().unwrap(), cookie(&answer).split('=').next().unwrap());
    assert_eq!(who(&server.url(), &forged, &[]).unwrap_err(), Code::Unauthenticated, "another server's key made it");
    let both = format!("{strangers}; theme=dark; {}", cookie(&answer));
    assert_eq!(who(&server.url(), &both, &[]).unwrap().principal, "person:amina");
}

#[test]
fn a_session_counts_for_pages_of_this_server_alone() {
    let (server, _) = village();
    let url = server.url();
    let own = cookie(&sign_in(&url, &server.token()));
    let host = url.trim_start_matches("http://").to_owned();
    let origin = |origin: &str| who(&url, &own, &[("origin", origin)]).map(|me| me.principal);
    assert_eq!(origin(&url), Ok("token:owner".to_owned()));
    assert_eq!(
        who(&url, &own, &[("sec-fetch-site", "same-origin"), ("origin", &url)]).unwrap().principal,
        "token:owner"
    );
    let behind_proxy = [("origin", "https://kith.example"), ("x-forwarded-host", "kith.example")];
    assert_eq!(who(&url, &own, &behind_proxy).unwrap().principal, "token:owner");
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", &format!("https://{host}.evil.example")] {
        assert_eq!(origin(foreign), Err(Code::Unauthenticated), "{foreign}");
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(who(&url, &own, &[("sec-fetch-site", site)]).unwrap_err(), Code::Unauthenticated, "{site}");
    }
    // A form can send these without asking first; plain gRPC is not spoken by browsers at all.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/grpc"] {
        let headers = [("cookie", own.as_str()), ("content-type", kind)];
        let answered = call::<_, v1::WhoAmIResponse>(&url, WHO_AM_I, &headers, &v1::WhoAmIRequest::default());
        assert!(answered.is_err(), "{kind}");
    }
    let wrong_token = [("authorization", "Bearer kith_wrong")];
    assert_eq!(who(&url, &own, &wrong_token).unwrap_err(), Code::Unauthenticated, "a token comes before the cookie");
    for path in ["/", "/v1", "/feeds", "/session"] {
        let got = request(&url, "GET", path, &[("cookie", &own)], b"");
        let without = request(&url, "GET", path, &[], b"");
        assert_eq!((got.status, got.body), (without.status, without.body), "{path} does not look at the cookie");
    }
}

#[test]
fn only_a_page_of_this_server_begins_or_ends_a_session() {
    let (server, _) = village();
    let url = server.url();
    let bearer = format!("Bearer {}", server.token());
    let authorization = ("authorization", bearer.as_str());
    for headers in [
        vec![authorization],
        vec![authorization, ("x-kith-console", "0")],
        vec![authorization, ("x-kith-console", "1"), ("origin", "https://evil.example")],
        vec![authorization, ("x-kith-console", "1"), ("sec-fetch-site", "cross-site")],
    ] {
        let refused = request(&url, "POST", "/session", &headers, b"");
        assert_eq!((refused.status, refused.header("set-cookie")), (403, ""), "{headers:?}");
        assert_eq!(request(&url, "DELETE", "/session", &headers, b"").status, 403, "{headers:?}");
    }
    let preflight = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let answered = request(&url, "OPTIONS", "/session", &preflight, b"");
    assert_eq!((answered.status, answered.header("access-control-allow-origin")), (405, ""));
    let got = request(&url, "GET", "/session", &[("x-kith-console", "1")], b"");
    assert_eq!((got.status, got.header("allow")), (405, "POST, DELETE"));
    for secret in ["kith_wrong", ""] {
        let refused = sign_in(&url, secret);
        assert_eq!((refused.status, refused.header("set-cookie")), (401, ""));
    }
    let headers = [("x-kith-console", "1")];
    assert_eq!(request(&url, "POST", "/session", &headers, b"").status, 400);
    assert_eq!(request(&url, "POST", "/session", &headers, b"token=x").status, 400);
    assert_eq!(request(&url, "POST", "/session", &headers, b"code=\xff").status, 400);
    assert_eq!(request(&url, "POST", "/session", &headers, &[b'x'; 5_000]).status, 413);
    let own = cookie(&sign_in(&url, &server.token()));
    let with_cookie = [("x-kith-console", "1"), ("cookie", own.as_str())];
    assert_eq!(request(&url, "POST", "/session", &with_cookie, b"").status, 400, "a session is not prolonged");
}

#[test]
fn a_session_ends_when_the_browser_ends_it() {
    let (server, _) = village();
    let url = server.url();
    let (one, other) = (cookie(&sign_in(&url, &server.token())), cookie(&sign_in(&url, &server.token())));
    let ended = request(&url, "DELETE", "/session", &[("x-kith-console", "1"), ("cookie", &one)], b"");
    assert_eq!(ended.status, 204);
    assert!(ended.header("set-cookie").contains("=; ") && ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(who(&url, &one, &[]).unwrap_err(), Code::Unauthenticated);
    who(&url, &other, &[]).expect("the other one goes on");
    let again = request(&url, "DELETE", "/session", &[("x-kith-console", "1"), ("cookie", &one)], b"");
    assert_eq!(again.status, 204, "there is nothing left to end");
}

#[test]
fn a_session_survives_a_restart_and_ends_with_its_token() {
    let (server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "reader"]);
    let (of_token, of_owner) =
        (cookie(&sign_in(&server.url(), &secret)), cookie(&sign_in(&server.url(), &server.token())));
    let data = server.data();
    assert!(server.terminate().success());
    let server = Server::start_on(data, &[]);
    who(&server.url(), &of_token, &[]).expect("nothing is kept for it in memory");
    server.cli().run(&["token", "revoke", &id]).ok();
    assert_eq!(who(&server.url(), &of_token, &[]).unwrap_err(), Code::Unauthenticated);
    assert_eq!(sign_in(&server.url(), &secret).status, 401);

    // The owner token is replaced under its id: what was made from the old secret is worth nothing.
    let data = server.data();
    assert!(server.terminate().success());
    kith_tests::server::kithd(&["owner", "rotate", "--data", data.path().to_str().unwrap()]).ok();
    let server = Server::start_on(data, &[]);
    assert_eq!(who(&server.url(), &of_owner, &[]).unwrap_err(), Code::Unauthenticated);
    who(&server.url(), &cookie(&sign_in(&server.url(), &server.token())), &[]).expect("the new secret opens one");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_codes_end_at_their_time_and_with_their_token() {
    let clock = SetClock::at(NOON);
    let server = InProcess::start(&clock);
    let url = server.url();
    let later = |seconds: i64| clock.set(Timestamp::from_millis(NOON.millis() + seconds * 1_000));
    let raw = Raw::connect(&url, &server.token()).await;
    let hour = Timestamp::from_millis(NOON.millis() + 3_600_000);
    let short = v1::IssueTokenRequest {
        role: v1::Role::Reader.into(),
        expires_at: Some(hour.to_proto()),
        ..Default::default()
    };
    let (_, secret) = raw.issue_token(short).await.unwrap();
    let (long, short) = (sign_in(&url, &server.token()), sign_in(&url, &secret));
    assert!(short.header("set-cookie").contains("Max-Age=3600;"), "{}", short.header("set-cookie"));
    let (long, short) = (cookie(&long), cookie(&short));

    let code = async || raw.sessions().open_console(v1::OpenConsoleRequest {}).await.unwrap().into_inner();
    let (used, expired) = (code().await, code().await);
    assert_eq!(used.expires_at.unwrap(), Timestamp::from_millis(NOON.millis() + 60_000).to_proto());
    assert!(used.code.len() == 32 && used.code != expired.code);
    later(59);
    let answer = redeem(&url, &used.code);
    assert_eq!(who(&url, &cookie(&answer), &[]).unwrap().principal, "token:owner");
    assert_eq!(redeem(&url, &used.code).status, 401, "a code is good once");
    later(60);
    assert_eq!(redeem(&url, &expired.code).status, 401, "and for a minute");

    later(3_599);
    who(&url, &short, &[]).expect("its token is valid");
    later(3_600);
    assert_eq!(who(&url, &short, &[]).unwrap_err(), Code::Unauthenticated, "its token has expired");
    later(43_199);
    who(&url, &long, &[]).expect("it lasts for twelve hours");
    later(43_200);
    assert_eq!(who(&url, &long, &[]).unwrap_err(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_worth_what_its_caller_is_and_a_session_makes_none() {
    let (server, cli) = village();
    let url = server.url();
    let (id, secret) = token(&cli, &["--role", "reader", "--organisation", "hillside"]);
    let raw = Raw::connect(&url, &secret).await;
    let code = async || raw.sessions().open_console(v1::OpenConsoleRequest {}).await.unwrap().into_inner().code;
    let own = cookie(&redeem(&url, &code().await));
    let me = who(&url, &own, &[]).unwrap();
    assert_eq!((me.role(), me.organisation.as_str()), (v1::Role::Reader, "hillside"));
    let path = "/kith.v1.SessionService/OpenConsole";
    let made = call::<_, v1::OpenConsoleResponse>(&url, path, &[("cookie", &own)], &v1::OpenConsoleRequest {});
    assert_eq!(made.unwrap_err(), Code::PermissionDenied, "it would never end");
    let late = code().await;
    cli.run(&["token", "revoke", &id]).ok();
    assert_eq!(redeem(&url, &late).status, 401, "the token was revoked meanwhile");

    let owner = Raw::connect(&url, &server.token()).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(owner.sessions().open_console(v1::OpenConsoleRequest {}).await.unwrap().into_inner().code);
    }
    let statuses: Vec<_> = codes.iter().map(|code| redeem(&url, code).status).collect();
    assert_eq!(statuses, [401, 401, 204, 204, 204, 204], "the newest four of a token are good");
}

#[test]
fn a_stream_of_a_session_ends_with_it() {
    let (server, cli) = village();
    let url = server.url();
    let (id, secret) = token(&cli, &["--role", "reader", "--organisation", "riverside"]);
    let own = cookie(&sign_in(&url, &secret));
    let request = v1::SubscribeRequest { network: "default".into(), ..Default::default() };
    let mut subscribed = begin(&url, "/kith.v1.LogService/Subscribe", &[("cookie", &own)], &request);
    subscribed.wait_for_message();
    cli.run(&["token", "revoke", &id]).ok();
    cli.run(&["met", "amina", "ben"]).ok();
    let ended = subscribed.end::<v1::SubscribeResponse>();
    assert_eq!(ended.unwrap_err(), Code::PermissionDenied, "it lost the organisation's entries");
}

#[test]
fn failed_attempts_are_slowed_like_failed_logins() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("kith.toml");
    std::fs::write(&config, "[limits]\nfailed_logins_per_minute_max = 3\n").unwrap();
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let statuses: Vec<_> = (0..4).map(|_| redeem(&server.url(), "00").status).collect();
    assert_eq!(statuses, [401, 401, 401, 429]);
    let refused = sign_in(&server.url(), "kith_wrong");
    assert!((1..=61).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
    assert_eq!(sign_in(&server.url(), &server.token()).status, 204, "a valid token always opens one");
}

#[test]
fn the_command_line_opens_a_browser_that_is_signed_in() {
    let (server, cli) = village();
    let printed = cli.run(&["console", "--print"]).ok().stdout;
    let (place, code) = printed.trim().split_once("/#/login?code=").expect("an address with a code");
    let (code, network) = code.split_once("&network=").unwrap();
    assert_eq!((place, network), (server.url().as_str(), "default"));
    assert_eq!(who(&server.url(), &cookie(&redeem(&server.url(), code)), &[]).unwrap().principal, "token:owner");

    let folder = tempfile::tempdir().unwrap();
    let (browser, opened) = (folder.path().join("xdg-open"), folder.path().join("opened"));
    std::fs::write(&browser, format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", opened.display())).unwrap();
    std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let run = |display: &str| {
        let mut command = cli.command(&["-o", "json", "console"]);
        command.env("PATH", folder.path()).env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        kith_tests::ran::Ran::run(&mut command, "").ok().json()
    };
    let answer = run(":7");
    assert_eq!(
        (&answer["opened"], answer["url"].as_str()),
        (&true.into(), std::fs::read_to_string(&opened).ok().as_deref())
    );
    std::fs::remove_file(&opened).unwrap();
    assert_eq!(run("")["opened"], false, "there is no screen");
    assert!(!opened.exists());
    std::fs::remove_file(&browser).unwrap();
    assert_eq!(run(":7")["opened"], false, "there is no program that opens a browser");
    cli.token("kith_wrong").run(&["console", "--print"]).exits(4);
}
