//! Speaks `kith.v1` without the client library, so that tests can send what a well-behaved client never would.

use bytes::Bytes;
use http::uri::PathAndQuery;
use kith_core::entry::Entry;
use kith_proto::v1::{
    self, admin_service_client::AdminServiceClient, audit_service_client::AuditServiceClient,
    directory_service_client::DirectoryServiceClient, log_service_client::LogServiceClient,
    member_service_client::MemberServiceClient, network_service_client::NetworkServiceClient,
    plugin_service_client::PluginServiceClient, records_service_client::RecordsServiceClient,
    session_service_client::SessionServiceClient, view_service_client::ViewServiceClient,
};
use std::time::Duration;
use tonic::{
    Code, Request, Status, Streaming,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;

/// Maximum size of an answer in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A connection with a token, on one network.
#[derive(Clone)]
pub struct Raw {
    service: InterceptedService<Channel, Bearer>,
    network: String,
}

/// The transport of the generated clients.
pub type Service = InterceptedService<Channel, Bearer>;

/// Adds the token, if any, to every request.
#[derive(Clone)]
pub struct Bearer(Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(secret) = &self.0 {
            let value = MetadataValue::try_from(format!("Bearer {secret}")).expect("tokens are ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

/// Why a call was refused, as sent on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The reason, such as `EVENT_INVALID`; empty if the answer names none.
    pub reason: String,
    /// The field at fault; may be empty.
    pub field: String,
    /// The reason in words.
    pub message: String,
    /// When to retry, if the answer says so.
    pub retry_after: Option<Duration>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let violation = details.bad_request().and_then(|request| request.field_violations.first());
        Self {
            code: status.code(),
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            field: violation.map(|violation| violation.field.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

impl Raw {
    /// Connects with a token to network `default`.
    pub async fn connect(url: &str, token: &str) -> Self {
        Self::connect_as(url, Some(token)).await
    }

    /// Connects with or without a token.
    pub async fn connect_as(url: &str, token: Option<&str>) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned()).expect("servers tell their address");
        let channel = endpoint.connect().await.expect("the server listens");
        let bearer = Bearer(token.map(str::to_owned));
        Self { service: InterceptedService::new(channel, bearer), network: "default".to_owned() }
    }

    /// The same on another network.
    #[must_use]
    pub fn network(&self, network: &str) -> Self {
        Self { network: network.to_owned(), ..self.clone() }
    }

    /// The name of the network.
    pub fn network_name(&self) -> String {
        self.network.clone()
    }

    /// The directory service.
    pub fn directory(&self) -> DirectoryServiceClient<Service> {
        DirectoryServiceClient::new(self.service.clone())
    }

    /// The admin service.
    pub fn admin(&self) -> AdminServiceClient<Service> {
        AdminServiceClient::new(self.service.clone())
    }

    /// The session service.
    pub fn sessions(&self) -> SessionServiceClient<Service> {
        SessionServiceClient::new(self.service.clone())
    }

    /// The audit service.
    pub fn audit(&self) -> AuditServiceClient<Service> {
        AuditServiceClient::new(self.service.clone())
    }

    /// The network service.
    pub fn networks(&self) -> NetworkServiceClient<Service> {
        NetworkServiceClient::new(self.service.clone())
    }

    /// The member service.
    pub fn members(&self) -> MemberServiceClient<Service> {
        MemberServiceClient::new(self.service.clone())
    }

    /// The records service.
    pub fn records(&self) -> RecordsServiceClient<Service> {
        RecordsServiceClient::new(self.service.clone())
    }

    /// The plugin service.
    pub fn plugins(&self) -> PluginServiceClient<Service> {
        PluginServiceClient::new(self.service.clone())
    }

    /// The log service.
    pub fn log(&self) -> LogServiceClient<Service> {
        LogServiceClient::new(self.service.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// The view service.
    pub fn views(&self) -> ViewServiceClient<Service> {
        ViewServiceClient::new(self.service.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Appends events, all or nothing.
    pub async fn append(&self, events: Vec<v1::NewEvent>) -> Result<Vec<v1::AppendOutcome>, Refusal> {
        self.append_if(events, None).await
    }

    /// Appends events if a condition holds.
    pub async fn append_if(
        &self,
        events: Vec<v1::NewEvent>,
        condition: Option<v1::condition::Condition>,
    ) -> Result<Vec<v1::AppendOutcome>, Refusal> {
        let condition = condition.map(|condition| v1::Condition { condition: Some(condition) });
        let request = v1::AppendRequest { network: self.network.clone(), events, condition };
        Ok(self.log().append(request).await?.into_inner().outcomes)
    }

    /// Appends events individually, in the given messages; passes every answer to `take` as it arrives.
    pub async fn append_stream(
        &self,
        messages: Vec<Vec<v1::NewEvent>>,
        mut take: impl FnMut(v1::AppendResult),
    ) -> Result<(), Refusal> {
        let network = self.network.clone();
        let requests =
            messages.into_iter().map(move |events| v1::AppendStreamRequest { network: network.clone(), events });
        let mut answers = self.log().append_stream(tokio_stream::iter(requests)).await?.into_inner();
        while let Some(answer) = answers.message().await? {
            answer.results.into_iter().for_each(&mut take);
        }
        Ok(())
    }

    /// Reads as the request says; the network is filled in.
    pub async fn read(&self, request: v1::ReadRequest) -> Result<v1::ReadResponse, Refusal> {
        let request = v1::ReadRequest { network: self.network.clone(), ..request };
        Ok(self.log().read(request).await?.into_inner())
    }

    /// The bytes of every entry that the token may see, oldest first.
    pub async fn read_all(&self) -> Result<Vec<Bytes>, Refusal> {
        let mut entries = Vec::new();
        let mut after = 0;
        loop {
            let page = self.read(v1::ReadRequest { after, limit: 10_000, ..Default::default() }).await?;
            entries.extend(page.entries);
            if page.end {
                return Ok(entries);
            }
            assert!(page.next > after, "a read that is not at its end goes on");
            after = page.next;
        }
    }

    /// Starts a subscription after a cursor (`None` = from the first entry).
    pub async fn subscribe(
        &self,
        cursor: Option<v1::Cursor>,
        filter: Option<v1::Filter>,
    ) -> Result<Streaming<v1::SubscribeResponse>, Refusal> {
        let request = v1::SubscribeRequest { network: self.network.clone(), cursor, filter, ..Default::default() };
        Ok(self.log().subscribe(request).await?.into_inner())
    }

    /// Calls a method with a single answer as if it were a stream: the answer arrives as far as its reader's window
    /// allows, and is read message by message.
    pub async fn call_untaken<Q, A>(&self, path: &'static str, request: Q) -> Result<Streaming<A>, Refusal>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let mut grpc = tonic::client::Grpc::new(self.service.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
        grpc.ready().await.expect("the connection holds");
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        Ok(grpc.server_streaming(Request::new(request), PathAndQuery::from_static(path), codec).await?.into_inner())
    }

    /// The log's head.
    pub async fn head(&self) -> Result<v1::HeadResponse, Refusal> {
        Ok(self.log().head(v1::HeadRequest { network: self.network.clone() }).await?.into_inner())
    }

    /// Proves that an event is in the log.
    pub async fn prove(&self, event: &[u8]) -> Result<v1::GetInclusionProofResponse, Refusal> {
        let request = v1::GetInclusionProofRequest { network: self.network.clone(), event: event.to_vec(), size: 0 };
        let mut client = AuditServiceClient::new(self.service.clone());
        Ok(client.get_inclusion_proof(request).await?.into_inner())
    }

    /// Queries a view as the request says; the network is filled in.
    pub async fn query(&self, request: v1::QueryViewRequest) -> Result<v1::QueryViewResponse, Refusal> {
        let request = v1::QueryViewRequest { network: self.network.clone(), ..request };
        Ok(self.views().query_view(request).await?.into_inner())
    }

    /// Every row of a view on a day (`None` = today), once the view has read up to a position.
    pub async fn rows_at(&self, view: &str, at: Option<i32>, position: u64) -> Result<Vec<v1::Row>, Refusal> {
        self.follow_view(view, position).await?;
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request =
                v1::QueryViewRequest { view: view.to_owned(), at, page_size: 10_000, page_token, ..Default::default() };
            let page = self.query(request).await?;
            rows.extend(page.rows);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(rows);
            }
        }
    }

    /// Waits until a view has read up to a position.
    pub async fn follow_view(&self, view: &str, position: u64) -> Result<(), Refusal> {
        let request = v1::WatchViewRequest { network: self.network.clone(), view: view.to_owned(), after: position };
        let mut changes = self.views().watch_view(request).await?.into_inner();
        while let Some(message) = changes.message().await? {
            if message.position >= position {
                return Ok(());
            }
        }
        panic!("a watch ends only with a reason");
    }

    /// Explains a row.
    pub async fn explain(&self, request: v1::ExplainRowRequest) -> Result<v1::ExplainRowResponse, Refusal> {
        let request = v1::ExplainRowRequest { network: self.network.clone(), ..request };
        Ok(self.views().explain_row(request).await?.into_inner())
    }

    /// A page of the network's people.
    pub async fn list_people(&self) -> Result<v1::ListPeopleResponse, Refusal> {
        let request = v1::ListPeopleRequest { network: self.network.clone(), ..Default::default() };
        Ok(DirectoryServiceClient::new(self.service.clone()).list_people(request).await?.into_inner())
    }

    /// Removes a plugin.
    pub async fn remove_plugin(&self, name: &str) -> Result<(), Refusal> {
        let request =
            v1::RemovePluginRequest { installed: Vec::new(), network: self.network.clone(), name: name.to_owned() };
        PluginServiceClient::new(self.service.clone()).remove_plugin(request).await?;
        Ok(())
    }

    /// Creates a network.
    pub async fn create_network(&self, name: &str) -> Result<(), Refusal> {
        let request = v1::CreateNetworkRequest { name: name.to_owned() };
        NetworkServiceClient::new(self.service.clone()).create_network(request).await?;
        Ok(())
    }

    /// Issues a token; returns its id and its secret.
    pub async fn issue_token(&self, request: v1::IssueTokenRequest) -> Result<(String, String), Refusal> {
        let request = v1::IssueTokenRequest { network: self.network.clone(), ..request };
        let issued = NetworkServiceClient::new(self.service.clone()).issue_token(request).await?.into_inner();
        Ok((issued.token.expect("an answer has its token").id, issued.secret))
    }
}

/// Decodes entry bytes.
pub fn decode(bytes: &Bytes) -> Entry {
    Entry::decode(bytes).expect("servers send entries")
}
