//! Untrusted plugins are compiled in a child process that has limits and ends when its caller leaves.

use crate::harness::{Running, field, reason, start_in, with_token};
use kith_proto::v1::{self, ErrorReason};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tonic::Status;

/// A component within every bound on shape that takes a processor several seconds to compile.
fn slow_component() -> Vec<u8> {
    let mut uses = String::new();
    for local in 0..250 {
        write!(uses, "(local.set {local} (i64.add (local.get {local}) (i64.const 1)))").unwrap();
    }
    let body = format!("{}{uses}{}", "(loop ".repeat(250), "(br_if 0 (i32.const 0)))".repeat(250));
    let function = format!("(func (local {}) {body})", "i64 ".repeat(250));
    wat::parse_str(format!("(component (core module {}))", function.repeat(9))).unwrap()
}

/// A node whose children are distinguished from those of other tests by their number of seconds.
async fn start(seconds: u32) -> (Running, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    (start_in(data.path(), |config| config.views.compile_s_max = seconds).await, data)
}

async fn install(node: &Running, component: Vec<u8>) -> Result<(), Status> {
    let plugin = v1::NewPlugin { network: "default".into(), settings: "{}".into(), ..v1::NewPlugin::default() };
    let message = v1::InstallPluginRequest { plugin: Some(plugin), data: component.into() };
    let request = node.by_owner(tokio_stream::iter([message]));
    let mut answers = node.plugins().max_encoding_message_size(64 << 20).install_plugin(request).await?.into_inner();
    while answers.message().await?.is_some() {}
    Ok(())
}

/// The folder in /proc of the child of this process that has this number of seconds.
fn child(seconds: u32) -> Option<PathBuf> {
    let own = std::process::id();
    let asked = format!("compile-component\0--seconds\0{seconds}\0");
    fs::read_dir("/proc").unwrap().filter_map(|process| Some(process.ok()?.path())).find(|process| {
        let read = |name: &str| fs::read_to_string(process.join(name)).unwrap_or_default();
        read("cmdline").ends_with(&asked) && read("status").contains(&format!("\nPPid:\t{own}\n"))
    })
}

async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What lies in the folders of authors' compiled functions: the author's folder, the name, and the bytes.
fn packs(data: &Path) -> BTreeSet<(OsString, OsString, u64)> {
    let list = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let engine = list(&data.join("cache/functions")).pop().unwrap();
    let authors = list(&engine).into_iter().flat_map(|network| list(&network));
    let files = authors.flat_map(|author| list(&author)).map(|file| {
        let author = file.parent().unwrap().file_name().unwrap().to_owned();
        (author, file.file_name().unwrap().to_owned(), fs::metadata(&file).unwrap().len())
    });
    files.collect()
}

/// A component with a view, and a section that says nothing but this.
fn component(remark: u8) -> Vec<u8> {
    let view = kith_bundle::find("help").unwrap().component;
    [view, &[0, 3, 1, b'x', remark]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compiled_for_an_author_is_not_compiled_again_for_it_and_is_for_others() {
    let data = tempfile::tempdir().unwrap();
    // Not the folder that the other tests share.
    fs::create_dir(data.path().join("cache")).unwrap();
    let node = start_in(data.path(), |_| {}).await;
    let install = async |number: u8, secret: &str| {
        let name = format!("view_{number}");
        let plugin =
            v1::NewPlugin { network: "default".into(), settings: "{}".into(), name, ..v1::NewPlugin::default() };
        let message = v1::InstallPluginRequest { plugin: Some(plugin), data: component(number).into() };
        let request = with_token(secret, tokio_stream::iter([message]));
        let mut answers = node.plugins().install_plugin(request).await.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
    };
    // The bytes of the functions that an author's installation added.
    let added = |before: &BTreeSet<_>| packs(data.path()).difference(before).map(|(_, _, bytes)| *bytes).sum::<u64>();
    let owner = node.owner.clone();
    install(1, &owner).await;
    let first = packs(data.path());
    let all = added(&BTreeSet::new());
    install(2, &owner).await;
    assert!(added(&first) < all / 2, "most had not to be compiled: {:?}", packs(data.path()));

    let token = v1::IssueTokenRequest {
        network: "default".into(),
        role: v1::Role::Analyst.into(),
        ..v1::IssueTokenRequest::default()
    };
    let (_, analyst) = node.issue(token).await;
    let before = packs(data.path());
    install(3, &analyst).await;
    assert!(added(&before) > all / 10 * 9, "another author's is compiled anew: {:?}", packs(data.path()));

    let before = packs(data.path());
    let engine = fs::read_dir(data.path().join("cache/functions")).unwrap().next().unwrap().unwrap().path();
    for (author, name, _) in &before {
        let path = engine.join("default").join(author).join(name);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    install(4, &owner).await;
    assert!(added(&before) > all / 10 * 9, "nothing damaged is used: {:?}", packs(data.path()));
    assert!(before.difference(&packs(data.path())).count() > 0, "it is deleted");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_takes_too_long_to_compile_is_ended_and_refused() {
    let (node, _data) = start(1).await;
    let refused = install(&node, slow_component()).await.unwrap_err();
    assert_eq!((reason(&refused), field(&refused).as_str()), (ErrorReason::PluginRefused, "data"));
    assert!(refused.message().contains("more than 1 s of processor time"), "{refused:?}");
    wait_until("the child is still there", || child(1).is_none()).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_compiles_is_bounded_and_ends_with_its_caller() {
    let (node, data) = start(61).await;
    let node = std::sync::Arc::new(node);
    let caller = node.clone();
    let installing = tokio::spawn(async move { install(&caller, slow_component()).await });
    let is_bounded = |child: PathBuf| {
        let read = |name: &str| fs::read_to_string(child.join(name)).unwrap_or_default();
        read("oom_score_adj").trim() == "1000" && read("limits").contains("Max address space         1073741824")
    };
    wait_until("a child is bounded", || child(61).is_some_and(is_bounded)).await;
    let process = child(61).unwrap();
    let open: Vec<_> =
        fs::read_dir(process.join("fd")).unwrap().filter_map(|file| file.unwrap().path().read_link().ok()).collect();
    let data = data.path().canonicalize().unwrap();
    let environment = fs::read(process.join("environ")).unwrap();
    installing.abort();
    let is_the_servers = |file: &PathBuf| file.to_string_lossy().starts_with("socket:") || file.starts_with(&data);
    assert!(!open.iter().any(is_the_servers), "neither sockets nor files of the server: {open:?}");
    assert_eq!(environment, b"MIMALLOC_DISALLOW_ARENA_ALLOC=1\0", "nothing of the server's environment");
    wait_until("the child ends", || child(61).is_none()).await;
    assert!(installing.await.unwrap_err().is_cancelled());
    std::sync::Arc::into_inner(node).unwrap().stop().await;
}
