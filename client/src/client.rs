//! The connection, the token that authenticates it, and how calls are made. Every call carries the token; nothing else
//! does.

use crate::{
    address::ServerAddress,
    error::{Error, Kind},
    limits::{CONNECTION_WINDOW_BYTES, FRAME_BYTES_MAX, KEEPALIVE, MESSAGE_BYTES_MAX, STREAM_WINDOW_BYTES},
    options::{Options, Retry, Secret, Timeouts},
    retry::{Backoff, Repeat},
    tls,
    together::Together,
};
use kith_core::id::NetworkName;
use kith_proto::v1::{
    admin_service_client::AdminServiceClient, audit_service_client::AuditServiceClient,
    directory_service_client::DirectoryServiceClient, log_service_client::LogServiceClient,
    member_service_client::MemberServiceClient, network_service_client::NetworkServiceClient,
    plugin_service_client::PluginServiceClient, records_service_client::RecordsServiceClient,
    session_service_client::SessionServiceClient, view_service_client::ViewServiceClient,
    webhook_service_client::WebhookServiceClient,
};
use std::{sync::Arc, time::Duration};
use tonic::{
    Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// Connections to one network of a server, one for calls and one for streams. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    /// The connection for streams: however many are open, they take no stream slots from other calls.
    streams: Channel,
    authorization: Authorization,
    server: Arc<str>,
    network: NetworkName,
    pub(crate) timeouts: Timeouts,
    retry: Retry,
    /// Of this network; `None` if each append is a call.
    pub(crate) together: Option<Arc<Together>>,
}

/// The transport of every call.
pub(crate) type Transport = InterceptedService<Channel, Authorization>;

/// Adds the token, if there is one, to each call.
#[derive(Debug, Clone)]
pub(crate) struct Authorization(Option<MetadataValue<Ascii>>);

impl Authorization {
    fn new(token: &Secret) -> Result<Self, Error> {
        if token.expose().is_empty() {
            return Ok(Self(None));
        }
        let invalid = || Error::new(Kind::OptionsInvalid, "the token contains characters that no token has");
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.expose()).parse().map_err(|_| invalid())?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Authorization {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

impl Client {
    /// Connects. Fails at once if the server cannot be reached; connections lost later are re-established.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        Authorization::new(&options.token)?;
        let channel = endpoint(&options)?.connect().await;
        let channel = channel.map_err(|error| Error::unreachable(&options.server, &error))?;
        let streams = endpoint(&options)?.connect_lazy();
        Self::on_channels(channel, streams, options)
    }

    /// Connects with the first call, not before: for programs that also work without a server.
    pub fn lazy(options: Options) -> Result<Self, Error> {
        let (channel, streams) = (endpoint(&options)?.connect_lazy(), endpoint(&options)?.connect_lazy());
        Self::on_channels(channel, streams, options)
    }

    /// Makes calls on a channel supplied by the caller, such as one through a proxy or in a simulated network.
    pub fn on_channel(channel: Channel, options: Options) -> Result<Self, Error> {
        Self::on_channels(channel.clone(), channel, options)
    }

    fn on_channels(channel: Channel, streams: Channel, options: Options) -> Result<Self, Error> {
        let authorization = Authorization::new(&options.token)?;
        let Options { server, network, timeouts, retry, together, .. } = options;
        let (server, together) = (server.into(), together.then(Arc::default));
        Ok(Self { channel, streams, authorization, server, network, timeouts, retry, together })
    }

    /// Distinguishes tokens without revealing them; `None` without one.
    #[cfg(feature = "replica")]
    pub(crate) fn token_fingerprint(&self) -> Option<Vec<u8>> {
        use sha2::{Digest, Sha256};
        let token = self.authorization.0.as_ref()?;
        let digest = Sha256::new_with_prefix(b"kith/token/1").chain_update(token.as_bytes()).finalize();
        Some(digest[..16].to_vec())
    }

    /// The server's address, as the options gave it.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The network that calls refer to.
    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// The same connection, for another network.
    #[must_use]
    pub fn with_network(&self, network: NetworkName) -> Self {
        let together = self.together.as_ref().map(|_| Arc::default());
        Self { network, together, ..self.clone() }
    }

    /// The same connection, with other retry settings.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self { retry, ..self.clone() }
    }

    pub(crate) fn network_name(&self) -> String {
        self.network.to_string()
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.retry)
    }

    pub(crate) fn log(&self) -> LogServiceClient<Transport> {
        let client = LogServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For calls whose answer is a stream.
    pub(crate) fn log_streams(&self) -> LogServiceClient<Transport> {
        let client = LogServiceClient::with_interceptor(self.streams.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For calls whose answer is a stream.
    pub(crate) fn view_streams(&self) -> ViewServiceClient<Transport> {
        let client = ViewServiceClient::with_interceptor(self.streams.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For calls whose answer is a stream.
    pub(crate) fn plugin_streams(&self) -> PluginServiceClient<Transport> {
        let client = PluginServiceClient::with_interceptor(self.streams.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn directory(&self) -> DirectoryServiceClient<Transport> {
        let client = DirectoryServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn views(&self) -> ViewServiceClient<Transport> {
        let client = ViewServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn plugins(&self) -> PluginServiceClient<Transport> {
        let client = PluginServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn audit(&self) -> AuditServiceClient<Transport> {
        AuditServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone())
    }

    /// For calls whose answer is a stream.
    pub(crate) fn audit_streams(&self) -> AuditServiceClient<Transport> {
        AuditServiceClient::with_interceptor(self.streams.clone(), self.authorization.clone())
    }

    /// For calls whose answer is a stream.
    pub(crate) fn admin_streams(&self) -> AdminServiceClient<Transport> {
        AdminServiceClient::with_interceptor(self.streams.clone(), self.authorization.clone())
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Transport> {
        let client = AdminServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Transport> {
        SessionServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone())
    }

    pub(crate) fn members(&self) -> MemberServiceClient<Transport> {
        let client = MemberServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn records(&self) -> RecordsServiceClient<Transport> {
        RecordsServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone())
    }

    pub(crate) fn networks(&self) -> NetworkServiceClient<Transport> {
        NetworkServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone())
    }

    pub(crate) fn webhooks(&self) -> WebhookServiceClient<Transport> {
        let client = WebhookServiceClient::with_interceptor(self.channel.clone(), self.authorization.clone());
        client.max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Makes a call with one answer, retrying while it is safe and may help.
    pub(crate) async fn call<M, T, F, A>(&self, repeat: Repeat, message: M, send: F) -> Result<T, Error>
    where
        M: Clone,
        // Not `AsyncFn`: the futures of its calls cannot be shown to be `Send`, which callers that spawn them need.
        F: Fn(Request<M>) -> A,
        A: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = self.backoff();
        loop {
            let mut request = Request::new(message.clone());
            request.set_timeout(self.timeouts.call);
            // The timeout in the request only covers the head of the answer; this one covers all of it.
            let error = match Self::within(self.timeouts.call, Box::pin(send(request))).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(error) => error,
            };
            match backoff.after(&error, repeat) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    /// Waits for an answer, for a stream to open or for its next message, up to a limit.
    pub(crate) async fn within<T>(
        limit: Duration,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Error::timed_out(limit)),
        }
    }
}

/// How this client connects: the address with its limits and timeouts, and TLS if it is `https://`. For callers that use their own connector and
/// pass the channel to [`Client::on_channel`].
pub fn endpoint(options: &Options) -> Result<Endpoint, Error> {
    let address: ServerAddress = options.server.parse()?;
    let invalid = |error: tonic::transport::Error| {
        Error::new(Kind::OptionsInvalid, format!("{address} is not an address of a server: {error}"))
    };
    let endpoint = Endpoint::from_shared(address.to_string()).map_err(invalid)?;
    let endpoint = endpoint.user_agent(concat!("kith/", env!("CARGO_PKG_VERSION"))).map_err(invalid)?;
    let endpoint = tls::secure(endpoint, &address, options)?;
    Ok(endpoint
        .connect_timeout(options.timeouts.connect)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_says_more_than_where_is_refused_before_connecting() {
        for server in [
            "http://127.0.0.1:1/kith",
            "ftp://127.0.0.1:1",
            "http://192.0.2.1:1",
            "http://amina:secret@127.0.0.1:1",
            "",
        ] {
            let options = Options::new(server, "token", "default".parse().unwrap());
            let error = Client::connect(options.clone()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::OptionsInvalid, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert_eq!(Client::lazy(options).unwrap_err().kind(), Kind::OptionsInvalid);
        }
        let upper_case = Options::new("HTTP://127.0.0.1:1", "token", "default".parse().unwrap());
        assert!(Client::lazy(upper_case).is_ok());
    }

    #[test]
    fn tokens_that_are_no_header_are_refused_without_being_shown() {
        let error = Authorization::new(&"line\nbreak".into()).unwrap_err();
        assert_eq!(error.kind(), Kind::OptionsInvalid);
        assert!(!error.to_string().contains("break"));
        let shown = format!("{:?}", Authorization::new(&"kith_secret".into()).unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unreachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let options = Options::new(server.clone(), "token", "default".parse().unwrap());
        let error = Client::connect(options).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unreachable);
        assert!(error.is_retryable() && error.to_string().contains(&server), "{error}");
    }
}
