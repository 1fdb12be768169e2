//! A node in this process on a free port, and clients that speak the wire format directly.

use kith_core::{
    event::{DirectoryFact, Event, Fact, Habit, Met, OrganisationAdded, PersonAdded, Scope},
    timestamp::Timestamp,
};
use kith_node::{Clock, Config, Node, OWNER_TOKEN_FILE, views::Program};
use kith_proto::v1::{
    self, ErrorReason, audit_service_client::AuditServiceClient, directory_service_client::DirectoryServiceClient,
    log_service_client::LogServiceClient, network_service_client::NetworkServiceClient,
    plugin_service_client::PluginServiceClient, view_service_client::ViewServiceClient,
};
use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Request, Status, transport::Channel};
use tonic_types::StatusExt;

/// The time in every test: 2026-03-04T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_772_625_600_000);

/// A node that serves until it is stopped.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) address: SocketAddr,
    pub(crate) owner: String,
    pub(crate) channel: Channel,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// A node on a new data folder.
pub(crate) async fn start() -> (Running, TempDir) {
    let data = tempfile::tempdir().unwrap();
    (start_in(data.path(), |_| {}).await, data)
}

/// A node on a data folder, with changed settings.
pub(crate) async fn start_in(data: &Path, change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::new(data.to_owned());
    // Tests must not depend on how full the disk is.
    (config.log.disk_reserve_bytes, config.log.disk_reserve_per_cent) = (0, 0);
    change(&mut config);
    share_compiled_plugins(data);
    config.views.compiler = Program(env!("CARGO_BIN_EXE_kithd").into());
    let clock: Clock = Arc::new(|| NOW);
    let node = Node::start(&config, clock).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = node.clone();
    let serving = tokio::spawn(async move {
        let shutdown = async { drop(stopped.await) };
        served.serve(listener, shutdown).await.unwrap();
    });
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let owner = std::fs::read_to_string(data.join(OWNER_TOKEN_FILE)).unwrap().trim().to_owned();
    Running { node, address, owner, channel, stop, serving }
}

/// Makes all tests share one folder of compiled plugins, so that they do not each compile the same ones.
fn share_compiled_plugins(data: &Path) {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    std::fs::create_dir_all(&shared).unwrap();
    let own = data.join("cache");
    if !own.exists() {
        std::os::unix::fs::symlink(shared, own).unwrap();
    }
    // Code is only accepted from servers with the same root key.
    let (keys, root) = (data.join("keys"), data.join("keys/root.key"));
    if !keys.exists() {
        DirBuilder::new().mode(0o700).create(keys).unwrap();
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(root).unwrap().write_all(&[7; 32]).unwrap();
    }
}

impl Running {
    pub(crate) async fn stop(self) {
        drop(self.channel);
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
    }

    /// Begins to stop; open streams end.
    pub(crate) fn begin_to_stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.serving
    }

    pub(crate) fn log(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone())
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(64 << 20)
    }

    pub(crate) fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    pub(crate) fn views(&self) -> ViewServiceClient<Channel> {
        ViewServiceClient::new(self.channel.clone())
    }

    pub(crate) fn plugins(&self) -> PluginServiceClient<Channel> {
        PluginServiceClient::new(self.channel.clone())
    }

    pub(crate) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    pub(crate) fn networks(&self) -> NetworkServiceClient<Channel> {
        NetworkServiceClient::new(self.channel.clone())
    }

    /// A message from the owner.
    pub(crate) fn by_owner<T>(&self, message: T) -> Request<T> {
        with_token(&self.owner, message)
    }

    /// Appends events to the network `default` as the owner, all or none.
    pub(crate) async fn append(&self, events: Vec<v1::NewEvent>) -> Result<Vec<v1::AppendOutcome>, Status> {
        self.append_to("default", events).await
    }

    /// Appends events to a network as the owner, all or none.
    pub(crate) async fn append_to(
        &self,
        network: &str,
        events: Vec<v1::NewEvent>,
    ) -> Result<Vec<v1::AppendOutcome>, Status> {
        let request = v1::AppendRequest { network: network.into(), events, condition: None };
        Ok(self.log().append(self.by_owner(request)).await?.into_inner().outcomes)
    }

    /// Adds an organisation and people to the network `default`.
    pub(crate) async fn add_people(&self, people: &[&str]) {
        self.append(riverside(people)).await.unwrap();
    }

    /// Issues a token in a network.
    pub(crate) async fn issue(&self, request: v1::IssueTokenRequest) -> (v1::Token, String) {
        let issued = self.networks().issue_token(self.by_owner(request)).await.unwrap().into_inner();
        (issued.token.unwrap(), issued.secret)
    }
}

/// The events that add an organisation and people.
pub(crate) fn riverside(people: &[&str]) -> Vec<v1::NewEvent> {
    let organisation =
        OrganisationAdded { organisation: "riverside".parse().unwrap(), name: "Riverside Practice".into() };
    let mut events = vec![event(1, Fact::Directory(DirectoryFact::OrganisationAdded(organisation)))];
    for (person, number) in people.iter().zip(2..) {
        let organisation = Some("riverside".parse().unwrap());
        let added = PersonAdded { person: person.parse().unwrap(), organisation, role: "GP".into() };
        events.push(event(number, Fact::Directory(DirectoryFact::PersonAdded(added))));
    }
    events
}

/// A message with a token.
pub(crate) fn with_token<T>(secret: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    request
}

/// The nth event of a test.
pub(crate) fn event(number: u32, fact: Fact) -> v1::NewEvent {
    scoped_event(number, Scope::Network, fact)
}

/// The nth event of a test, in a scope.
pub(crate) fn scoped_event(number: u32, scope: Scope, fact: Fact) -> v1::NewEvent {
    let event = Event {
        id: format!("00000000-0000-8000-8000-{number:012x}").parse().unwrap(),
        occurred_at: Timestamp::from_millis(NOW.millis() - 86_400_000),
        scope,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: [7; 16],
        details: Vec::new(),
        fact,
    };
    v1::NewEvent { event: event.encode().into(), details: Vec::new(), signature: Vec::new() }
}

/// The nth event of a test: people who met.
pub(crate) fn met(number: u32, people: &[&str]) -> v1::NewEvent {
    event(number, Fact::Habit(Habit::Met(Met { people: people.iter().map(|id| id.parse().unwrap()).collect() })))
}

/// The reason that a status carries.
pub(crate) fn reason(status: &Status) -> ErrorReason {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?} has no reason"));
    assert_eq!(info.domain, kith_proto::ERROR_DOMAIN);
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)).unwrap()
}

/// The field that a status names.
pub(crate) fn field(status: &Status) -> String {
    status.get_error_details().bad_request().unwrap().field_violations[0].field.clone()
}
