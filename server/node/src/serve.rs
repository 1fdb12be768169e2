//! The front door: one port for gRPC, gRPC-web and plain HTTP, with TLS if there is a certificate, with every limit of tonic and hyper set explicitly.
//!
//! Shutdown: health reports it first, streams end, calls finish, and what is left after the drain time is cut.

use crate::{
    console::Console,
    delivery,
    door::{
        connection::{self, Listener},
        front::{Beside, FrontLayer},
        http_door::OriginsLayer,
        session_call::SessionCalls,
    },
    grpc::{
        Services,
        layers::{
            auth::{AuthLayer, Entrance},
            deadline::DeadlineLayer,
            requests::RequestsLayer,
        },
    },
    http::{Answering, HttpLayer},
    limits::{self, Limits, seconds},
    node::Node,
};
use kith_proto::v1::{
    admin_service_server::AdminServiceServer, audit_service_server::AuditServiceServer,
    directory_service_server::DirectoryServiceServer, log_service_server::LogServiceServer,
    member_service_server::MemberServiceServer, network_service_server::NetworkServiceServer,
    plugin_service_server::PluginServiceServer, records_service_server::RecordsServiceServer,
    session_service_server::SessionServiceServer, view_service_server::ViewServiceServer,
    webhook_service_server::WebhookServiceServer,
};
use tonic::{server::NamedService, service::Routes, transport::Server};
use tonic_health::{ServingStatus, server::HealthReporter};
use tonic_web::GrpcWebLayer;
use tower::Layer;

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("serving failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The reflection service could not be built from the descriptors.
    #[error("reflection is not available: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Names of the services in health checks; the empty one is the server as a whole.
const HEALTH_NAMES: [&str; 12] = [
    "",
    LogServiceServer::<Services>::NAME,
    DirectoryServiceServer::<Services>::NAME,
    ViewServiceServer::<Services>::NAME,
    PluginServiceServer::<Services>::NAME,
    AuditServiceServer::<Services>::NAME,
    AdminServiceServer::<Services>::NAME,
    NetworkServiceServer::<Services>::NAME,
    MemberServiceServer::<Services>::NAME,
    RecordsServiceServer::<Services>::NAME,
    SessionServiceServer::<Services>::NAME,
    WebhookServiceServer::<Services>::NAME,
];

impl Node {
    /// Serves on a socket until `shutdown`, drains, and closes the log.
    pub async fn serve(&self, listener: impl Listener, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        // It holds everything that a server waits for: too much for the stack of whoever calls this.
        let served = Box::pin(serve(self, listener, shutdown)).await;
        self.close();
        let closing = async {
            delivery::write(self).await;
            self.views().shutdown().await;
            self.log().shutdown().await;
        };
        // A disk that does not respond must not keep the process from ending: every commit is complete.
        if tokio::time::timeout(limits::CLOSING, closing).await.is_err() {
            tracing::error!("the views or the log could not be closed in time");
        }
        served
    }
}

/// Serves until `shutdown`, then until the last call has finished or the drain time is over.
async fn serve(node: &Node, listener: impl Listener, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let health_service = health_service.max_decoding_message_size(limits::OPEN_REQUEST_BYTES_MAX);
    let routes = routes(node)?.add_service(health_service);
    let limits = node.limits();
    let deadline = DeadlineLayer { max: seconds(limits.unary_deadline_s) };
    let auth = AuthLayer::new(Entrance {
        authenticator: node.authenticator().clone(),
        rate: node.call_rate().clone(),
        feeds: node.feed_rate().clone(),
    });
    let requests = RequestsLayer::new(node);
    let answering = || deadline.layer(auth.layer(requests.layer(Answering::new(node))));
    let serving = server(limits)
        .layer(front(node))
        .layer(OriginsLayer::new(node.http()))
        .layer(HttpLayer::new(node.http().enabled.then(answering)))
        .layer(GrpcWebLayer::new())
        .layer(deadline.clone())
        .layer(auth.clone())
        .layer(requests.clone())
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            connection::accept(listener, node.peers().clone(), node.tls().cloned(), limits),
            node.closing(),
        );
    let watching = watch_health(node, health.clone());
    let going_down = async {
        shutdown.await;
        tracing::info!("shutting down");
        tell(&health, ServingStatus::NotServing).await;
        node.close();
        end_watches(health).await;
        tokio::time::sleep(limits.drain()).await;
    };
    tokio::select! {
        result = serving => result?,
        () = watching => {}
        () = node.views().keep() => {}
        () = node.plugins().retry_views() => {}
        () = delivery::deliver(node) => {}
        () = going_down => tracing::warn!("calls were cut at the end of the drain time"),
    }
    Ok(())
}

/// The console and the sessions of browsers, in front of the calls.
fn front(node: &Node) -> FrontLayer {
    let (sessions, rate) = (node.sessions(), node.call_rate().clone());
    FrontLayer::new(Beside {
        console: sessions.enabled().then(Console::embedded),
        http: node.http().enabled,
        sessions: SessionCalls::new(sessions.clone(), node.authenticator().clone(), rate, node.limits()),
    })
}

fn server(limits: &Limits) -> Server {
    Server::builder()
        .accept_http1(true)
        .concurrency_limit_per_connection(limits.streams_per_connection_max as usize)
        .max_concurrent_streams(limits.streams_per_connection_max)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_frame_size(limits::FRAME_BYTES_MAX)
        .http2_max_header_list_size(limits.header_list_bytes_max)
        .http2_keepalive_interval(Some(seconds(limits.keepalive_interval_s)))
        .http2_keepalive_timeout(Some(seconds(limits.keepalive_timeout_s)))
        .http2_max_pending_accept_reset_streams(Some(limits::PENDING_RESET_STREAMS_MAX))
        .http2_max_local_error_reset_streams(Some(limits::LOCAL_RESET_STREAMS_MAX))
        .max_connection_age(seconds(limits.connection_age_s))
        .max_connection_age_grace(seconds(limits.connection_age_grace_s))
}

/// Every service with its message limits.
fn routes(node: &Node) -> Result<Routes, ServeError> {
    /// Wraps the services in a generated server with limits of messages.
    macro_rules! of {
        ($server:ident, $request_bytes_max:expr) => {
            $server::new(Services::new(node.clone()))
                .max_decoding_message_size($request_bytes_max)
                .max_encoding_message_size(node.limits().response_bytes_max as usize)
        };
    }
    macro_rules! limited {
        ($server:ident) => {
            of!($server, node.limits().request_bytes_max as usize)
        };
    }
    /// For services whose calls are small and of which one needs no token.
    macro_rules! open {
        ($server:ident) => {
            of!($server, limits::OPEN_REQUEST_BYTES_MAX)
        };
    }
    let routes = Routes::new(limited!(LogServiceServer))
        .add_service(limited!(DirectoryServiceServer))
        .add_service(limited!(ViewServiceServer))
        .add_service(limited!(PluginServiceServer))
        .add_service(limited!(AuditServiceServer))
        .add_service(limited!(AdminServiceServer))
        .add_service(limited!(NetworkServiceServer))
        .add_service(open!(MemberServiceServer))
        .add_service(limited!(RecordsServiceServer))
        .add_service(open!(SessionServiceServer))
        .add_service(limited!(WebhookServiceServer));
    if !node.reflection() {
        return Ok(routes);
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(kith_proto::DESCRIPTOR_SET)
        .build_v1()?
        .max_decoding_message_size(limits::OPEN_REQUEST_BYTES_MAX);
    Ok(routes.add_service(reflection))
}

/// Reports the log's health to health checks; never returns.
async fn watch_health(node: &Node, reporter: HealthReporter) {
    let mut health = node.log().health();
    loop {
        let status = match *health.borrow_and_update() {
            kith_log::Health::Serving => ServingStatus::Serving,
            kith_log::Health::RolledBack | kith_log::Health::Poisoned(_) => ServingStatus::NotServing,
        };
        tell(&reporter, status).await;
        if health.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn tell(reporter: &HealthReporter, status: ServingStatus) {
    for name in HEALTH_NAMES {
        reporter.set_service_status(name, status).await;
    }
}

/// Ends open watches of the health service, which would otherwise outlive every other stream.
async fn end_watches(mut reporter: HealthReporter) {
    for name in HEALTH_NAMES {
        reporter.clear_service_status(name).await;
    }
}
